/** The rules of a workload file; docs/workloads.md explains them. */
import { z } from "zod";
import { fields, value } from "../../src/cli/problems.ts";
import { type SettingName, SETTINGS, type Settings } from "../../src/config/config.ts";
import { MODES } from "../../src/core/modes/modes.ts";
import { oneOf, wholeNumber } from "../../src/core/setting.ts";
import type { Load, PromptSource, RequestClass, Slo, Variant } from "../plan.ts";
import { named, poisson, SPACING, type UnnamedLoad } from "./arrivals.ts";
import {
  aboveZero,
  CLIENTS,
  LATENCY_LIMIT,
  RATE,
  RATE_OR_NONE,
  RUN_FIELDS,
  SPEED,
  type Syntax,
} from "./fields.ts";
import { LENGTHS, MOST_TOKENS } from "./lengths.ts";
import { DEFAULT_TENANT } from "./requests.ts";
import { nameOfVariant, VARIANT_SETTINGS } from "./variants.ts";

const MOST_ITEMS = 64;

/** A value that a file writes as a flag does. */
function field<T>({ rule, parse }: Syntax<T>): z.ZodType<Exclude<T, undefined>> {
  return z.unknown().transform((given, ctx) => {
    const read = ["string", "number", "boolean"].includes(typeof given) ? parse(String(given)) : undefined;
    if (read === undefined) ctx.addIssue({ code: "custom", message: rule });
    return read as Exclude<T, undefined>;
  });
}

function whole(min: number, max: number): z.ZodType<number> {
  return field(wholeNumber(min, max, min, ""));
}

function text(rule: string, most: number): z.ZodType<string> {
  return value(rule, (given) => typeof given === "string" && /\S/.test(given) && given.length <= most);
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

const TOKENS = whole(1, MOST_TOKENS);
const WEIGHT = field(aboveZero(1_000_000));

const SYNTHETIC: z.ZodType<PromptSource> = fields({
  tokens: field(LENGTHS),
  sharedPrefix: whole(0, MOST_TOKENS).default(0),
  prefixes: whole(1, 1_000_000).default(1),
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

const SOME_TENANTS = "a mapping of at least one tenant's name to its weight";
const TENANTS: z.ZodType<RequestClass["tenants"]> = z.record(z.string(), WEIGHT, { error: SOME_TENANTS })
  .refine((weights) => Object.keys(weights).length > 0, { error: SOME_TENANTS })
  .transform((weights) => Object.entries(weights).map(([name, weight]) => ({ name, weight })));

const CLASS: z.ZodType<RequestClass> = fields({
  name: text("a text of 1 to 64 characters", 64),
  weight: WEIGHT.default(1),
  prompt: PROMPT.default({ kind: "natural" }),
  output: field(LENGTHS),
  exactOutput: field(RUN_FIELDS.stream).default(false),
  tenants: TENANTS.default([DEFAULT_TENANT]),
});

const REQUESTS = field(RUN_FIELDS.requests);

function someAboveZero(rates: readonly number[], ctx: z.RefinementCtx): void {
  if (rates.every((rate) => rate === 0)) {
    ctx.addIssue({ code: "custom", message: "rates of which one at least is above 0" });
  }
}

const LOADS: Readonly<Record<string, z.ZodType<UnnamedLoad>>> = {
  concurrency: fields({ concurrency: field(CLIENTS), requests: REQUESTS.exactOptional() })
    .transform((clients) => ({ kind: "closed", ...clients })),
  rate: fields({ rate: field(RATE), arrivals: field(SPACING).default(() => poisson) })
    .transform(({ rate, arrivals }) => ({ kind: "open", arrivals: arrivals(rate) })),
  ramp: fields({
    ramp: fields({ from: field(RATE_OR_NONE), to: field(RATE_OR_NONE) })
      .superRefine(({ from, to }, ctx) => someAboveZero([from, to], ctx)),
  }).transform(({ ramp }) => ({ kind: "open", arrivals: { kind: "ramp", ...ramp } })),
  steps: fields({ steps: list(field(RATE_OR_NONE), "rates").superRefine(someAboveZero) })
    .transform(({ steps }) => ({ kind: "open", arrivals: { kind: "steps", rates: steps } })),
  trace: fields({
    trace: text("a path or the name of a shipped trace", Infinity),
    speed: field(SPEED).default(1),
    maxPromptTokens: TOKENS.exactOptional(),
    maxOutputTokens: TOKENS.exactOptional(),
  }).transform(({ trace, ...played }) => ({
    kind: "open",
    arrivals: { kind: "trace", file: trace, ...played },
  })),
};
const LOAD_KINDS = Object.keys(LOADS);

const LOAD: z.ZodType<Load> = formOf((given) => {
  const kinds = isMapping(given) ? LOAD_KINDS.filter((kind) => Object.hasOwn(given, kind)) : [];
  if (!isMapping(given) || Object.keys(given).length === 0) {
    return `a mapping with one of ${LOAD_KINDS.join(", ")}`;
  }
  if (kinds.length > 1) return `a mapping with only one of ${LOAD_KINDS.join(", ")}`;
  // Without a kind every field is unknown, and the kinds are what they may have meant.
  const none = () =>
    fields(Object.fromEntries(LOAD_KINDS.map((kind) => [kind, z.never().optional()]))) as never;
  return kinds[0] === undefined ? none() : LOADS[kinds[0]]!.transform(named);
});

const SETTINGS_GIVEN = fields(
  Object.fromEntries(VARIANT_SETTINGS.map((name) => [name, field<Settings[SettingName]>(SETTINGS[name])])),
).partial() as z.ZodType<Partial<Settings>>;

const VARIANT: z.ZodType<Variant> = fields({
  mode: field(oneOf(MODES, MODES[0], "")),
  settings: SETTINGS_GIVEN.default({}),
  loads: list(z.string({ error: "a text" }), "names of loads").exactOptional(),
}).transform((variant) => ({ ...variant, name: nameOfVariant(variant) }));

const LIMIT = field(LATENCY_LIMIT).exactOptional();
const SLO: z.ZodType<Slo> = fields({ ttft: LIMIT, tpot: LIMIT, e2e: LIMIT })
  .transform((limits) => Object.fromEntries(Object.entries(limits).map(([name, ms]) => [`${name}Ms`, ms])));

export const WORKLOAD = fields({
  seed: field(RUN_FIELDS.seed).exactOptional(),
  rounds: field(RUN_FIELDS.rounds).exactOptional(),
  requests: REQUESTS.exactOptional(),
  duration: field(RUN_FIELDS.duration).exactOptional(),
  stream: field(RUN_FIELDS.stream).exactOptional(),
  timeout: field(RUN_FIELDS.timeout).exactOptional(),
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
