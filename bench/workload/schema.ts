/** The rules of a workload file; docs/workloads.md tells them to people. */
import { z } from "zod";
import { fields, value } from "../../src/cli/problems.ts";
import { SETTINGS, type Settings } from "../../src/config/config.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Lengths, Load, PromptSource, RequestClass, Slo, Variant } from "../plan.ts";
import { type Spacing, spacingOf } from "./arrivals.ts";
import { lengthsOf, MOST_TOKENS } from "./lengths.ts";
import { nameOfLoad, nameOfVariant, type UnnamedLoad } from "./names.ts";
import { DEFAULT_TENANT } from "./requests.ts";
import { VARIANT_SETTINGS } from "./variant_settings.ts";

const MOST_ITEMS = 64;
const MOST_A_SECOND = 100_000;
const UNITS_MS: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;

function wholeNumber(min: number, max: number): z.ZodType<number> {
  const keeps = (given: unknown) =>
    Number.isSafeInteger(given) && Number(given) >= min && Number(given) <= max;
  return value(`a whole number from ${min} to ${max}`, keeps);
}

function number(min: number, max: number): z.ZodType<number> {
  const keeps = (given: unknown) => typeof given === "number" && given >= min && given <= max;
  return value(`a number from ${min} to ${max}`, keeps);
}

function positive(max: number): z.ZodType<number> {
  const keeps = (given: unknown) => typeof given === "number" && given > 0 && given <= max;
  return value(`a number above 0, at most ${max}`, keeps);
}

function yesOrNo(): z.ZodType<boolean> {
  return value("true or false", (given) => typeof given === "boolean");
}

/** A value that is read by a function, which gives the rule in its place where the value breaks it. */
function readBy<T>(read: (given: unknown) => T | string): z.ZodType<Exclude<T, string>> {
  return z.unknown().transform((given, ctx) => {
    const result = read(given);
    if (typeof result !== "string") return result as Exclude<T, string>;
    ctx.addIssue({ code: "custom", message: result });
    return z.NEVER;
  });
}

/** `500ms`, `30s`, `2m` or `1h` as milliseconds, at most a day. */
function time(minMs: Millis): z.ZodType<Millis> {
  return readBy((given) => {
    const [, digits, unit = ""] = /^(\d{1,9}(?:\.\d{1,6})?) ?(ms|s|m|h)$/.exec(String(given).trim()) ?? [];
    const ms = Number(digits) * (UNITS_MS[unit] ?? NaN);
    const isGood = typeof given === "string" && ms >= minMs && ms <= DAY_MS;
    return isGood ? ms : `a time with its unit, like 500ms, 30s or 2m, from ${minMs} ms to a day`;
  });
}

function list<T extends z.ZodType>(item: T, of: string) {
  const rule = `a list of 1 to ${MOST_ITEMS} ${of}`;
  return z.array(item, { error: rule }).min(1, { error: rule }).max(MOST_ITEMS, { error: rule });
}

/** A value whose form decides what it is read as; text instead of a schema is the rule that it breaks. */
function formOf<T>(form: (given: unknown) => z.ZodType<T> | string) {
  return z.unknown().transform((given, ctx): T => {
    const schema = form(given);
    const read = typeof schema === "string" ? undefined : schema.safeParse(given);
    if (read?.success) return read.data;
    const issues = read?.error.issues ?? [{ code: "custom" as const, message: String(schema) }];
    for (const issue of issues) ctx.addIssue({ ...issue });
    return z.NEVER;
  });
}

function isMapping(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

/** Items that nothing else tells apart must have different names. */
function differing(items: readonly { readonly name: string }[], ctx: z.RefinementCtx): void {
  items.forEach(({ name }, index) => {
    if (items.findIndex((other) => other.name === name) < index) {
      const message = `unlike those before it ("${name}" is there already)`;
      ctx.addIssue({ code: "custom", path: [index], message });
    }
  });
}

const TOKENS = wholeNumber(1, MOST_TOKENS);
const WEIGHT = positive(1_000_000);
const LENGTHS: z.ZodType<Lengths> = readBy(lengthsOf);

const SYNTHETIC: z.ZodType<PromptSource> = fields({
  tokens: LENGTHS,
  sharedPrefix: wholeNumber(0, MOST_TOKENS).default(0),
  prefixes: wholeNumber(1, 1_000_000).default(1),
}).superRefine(({ tokens, sharedPrefix, prefixes }, ctx) => {
  const longest = tokens.kind === "fixed" ? tokens.tokens : tokens.max;
  if (sharedPrefix >= longest) {
    const message = `less than the longest prompt's tokens (${longest})`;
    ctx.addIssue({ code: "custom", path: ["sharedPrefix"], message });
  }
  if (prefixes > 1 && sharedPrefix === 0) {
    ctx.addIssue({ code: "custom", path: ["prefixes"], message: "left out where there is no sharedPrefix" });
  }
}).transform(({ tokens, ...shared }) => ({ kind: "tokens", length: tokens, ...shared }));

const PROMPT: z.ZodType<PromptSource> = formOf((given) => {
  if (given === "natural") return z.unknown().transform(() => ({ kind: "natural" }));
  return isMapping(given) ? SYNTHETIC : "natural, or a mapping with tokens";
});

const TENANTS: z.ZodType<RequestClass["tenants"]> = formOf((given) =>
  isMapping(given) && Object.keys(given).length > 0
    ? z.record(z.string(), WEIGHT).transform((weights) =>
      Object.entries(weights).map(([name, weight]) => ({ name, weight }))
    )
    : "a mapping of at least one tenant's name to its weight"
);

const CLASS: z.ZodType<RequestClass> = fields({
  name: value<string>(
    "a text of 1 to 64 characters",
    (given) => typeof given === "string" && /\S/.test(given) && given.length <= 64,
  ),
  weight: WEIGHT.default(1),
  prompt: PROMPT.default({ kind: "natural" }),
  output: LENGTHS,
  exactOutput: yesOrNo().default(false),
  tenants: TENANTS.default([DEFAULT_TENANT]),
});

const REQUESTS = wholeNumber(1, 10_000_000);
const RATE = number(0, MOST_A_SECOND);
const SPACING: z.ZodType<Spacing> = readBy(spacingOf);

function someAboveZero(rates: readonly number[], ctx: z.RefinementCtx): void {
  if (rates.every((rate) => rate === 0)) {
    ctx.addIssue({ code: "custom", message: "rates of which one at least is above 0" });
  }
}

const LOADS: Readonly<Record<string, z.ZodType<UnnamedLoad>>> = {
  concurrency: fields({ concurrency: wholeNumber(1, 4096), requests: REQUESTS.exactOptional() })
    .transform((clients) => ({ kind: "closed", ...clients })),
  rate: fields({ rate: positive(MOST_A_SECOND), arrivals: SPACING.default(() => poisson) })
    .transform(({ rate, arrivals }) => ({ kind: "open", arrivals: arrivals(rate) })),
  ramp: fields({
    ramp: fields({ from: RATE, to: RATE }).superRefine(({ from, to }, ctx) => someAboveZero([from, to], ctx)),
  }).transform(({ ramp }) => ({ kind: "open", arrivals: { kind: "ramp", ...ramp } })),
  steps: fields({ steps: list(RATE, "rates").superRefine(someAboveZero) })
    .transform(({ steps }) => ({ kind: "open", arrivals: { kind: "steps", rates: steps } })),
  trace: fields({
    trace: value<string>(
      "a path or the name of a shipped trace",
      (given) => typeof given === "string" && /\S/.test(given),
    ),
    speed: number(0.001, MOST_A_SECOND).default(1),
    maxPromptTokens: TOKENS.exactOptional(),
    maxOutputTokens: TOKENS.exactOptional(),
  }).transform(({ trace, ...played }) => ({
    kind: "open",
    arrivals: { kind: "trace", file: trace, ...played },
  })),
};
const LOAD_KINDS = Object.keys(LOADS);

function poisson(rate: number) {
  return { kind: "poisson" as const, rate };
}

const LOAD: z.ZodType<Load> = formOf((given) => {
  const kinds = isMapping(given) ? LOAD_KINDS.filter((kind) => Object.hasOwn(given, kind)) : [];
  if (!isMapping(given) || Object.keys(given).length === 0) {
    return `a mapping with one of ${LOAD_KINDS.join(", ")}`;
  }
  if (kinds.length > 1) return `a mapping with only one of ${LOAD_KINDS.join(", ")}`;
  // Without a kind every field is unknown, and the kinds are what they may have meant.
  const none = () =>
    fields(Object.fromEntries(LOAD_KINDS.map((kind) => [kind, z.never().optional()]))) as never;
  return kinds[0] === undefined ? none() : LOADS[kinds[0]]!;
}).transform((load) => ({ ...load, name: nameOfLoad(load) }));

const SETTINGS_GIVEN: z.ZodType<Partial<Settings>> = formOf((given) =>
  isMapping(given)
    ? fields(Object.fromEntries(VARIANT_SETTINGS.map((name) => [name, settingOf(name)]))).partial()
    : "a mapping of the engine's settings to their values"
);

function settingOf(name: (typeof VARIANT_SETTINGS)[number]) {
  const { rule, parse } = SETTINGS[name];
  return z.unknown().transform((given, ctx) => {
    const parsed = typeof given === "object" ? undefined : parse(String(given));
    if (parsed === undefined) ctx.addIssue({ code: "custom", message: rule });
    return parsed;
  });
}

const VARIANT: z.ZodType<Variant> = fields({
  mode: value<Mode>(`one of ${MODES.join(", ")}`, (given) => MODES.some((mode) => mode === given)),
  settings: SETTINGS_GIVEN.default({}),
  loads: list(value<string>("a text", (given) => typeof given === "string"), "names of loads")
    .exactOptional(),
}).transform((variant) => ({ ...variant, name: nameOfVariant(variant) }));

const LIMIT = time(0).exactOptional();
const SLO: z.ZodType<Slo> = fields({ ttft: LIMIT, tpot: LIMIT, e2e: LIMIT })
  .transform((limits) => Object.fromEntries(Object.entries(limits).map(([name, ms]) => [`${name}Ms`, ms])));

export const WORKLOAD = fields({
  seed: wholeNumber(0, 2 ** 31 - 1).exactOptional(),
  rounds: wholeNumber(1, 1000).exactOptional(),
  requests: REQUESTS.exactOptional(),
  duration: time(1000).exactOptional(),
  stream: yesOrNo().exactOptional(),
  timeout: time(1).exactOptional(),
  slo: SLO.exactOptional(),
  classes: list(CLASS, "classes").superRefine(differing).exactOptional(),
  loads: list(LOAD, "loads").superRefine(differing).exactOptional(),
  variants: list(VARIANT, "variants").superRefine(differing).exactOptional(),
}).superRefine(({ loads = [], variants = [] }, ctx) => {
  const names = loads.map(({ name }) => name);
  for (const [at, variant] of variants.entries()) {
    for (const [index, load] of variant.loads?.entries() ?? []) {
      if (names.includes(load)) continue;
      const message = `the name of one of the loads (${names.join("; ")})`;
      ctx.addIssue({ code: "custom", path: ["variants", at, "loads", index], message });
    }
  }
});
