import { type SettingName, SETTINGS, type Settings } from "../../src/config/config.ts";
import { boundProblems } from "../../src/config/parse.ts";
import { StartupError } from "../../src/core/errors.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";
import { parseSlo } from "../metrics/figure_names.ts";
import type { Load, RequestClass, RequestMix, RunPlan, Variant } from "../plan.ts";
import { parseArrivalsFlag } from "../workload/arrivals.ts";
import { parseLengthsFlag } from "../workload/lengths.ts";
import { nameOfLoad, nameOfVariant, type UnnamedLoad } from "../workload/names.ts";
import type { WorkloadFile } from "../workload/file.ts";
import { readTrace } from "../workload/trace.ts";
import { shapes, VARIANT_SETTINGS } from "../workload/variant_settings.ts";
import type { Command } from "./command.ts";
import { commandSpec } from "./commands.ts";
import type { FlagName } from "./flags.ts";

const MOST_VARIANTS = 64;

/** What a command measures when neither its flags nor a workload file say it. */
export interface PlanDefaults {
  readonly modes: readonly Mode[];
  /** As `--vary`. */
  readonly vary: readonly string[];
}

export const RUN_DEFAULTS: PlanDefaults = { modes: MODES, vary: [] };

/**
 * The plan that a command's flags ask for; a workload file says what they leave open, and defaults the rest.
 * @throws {StartupError} with one line for each problem
 */
export function planOf(
  { name, values, given, engine }: Command,
  file: WorkloadFile,
  defaults: PlanDefaults = RUN_DEFAULTS,
): RunPlan {
  const problems = alone(given, commandSpec(name).flags);
  const asked = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof StartupError)) throw thrown;
      problems.push(...thrown.problems);
      return undefined;
    }
  };
  const has = (...names: FlagName[]) => names.some((name) => given.has(name));
  if (values.target !== undefined && file.variants) {
    problems.push(
      "--target must be left out with a workload file that has variants: it is measured as it is",
    );
  }
  const variants = asked(() =>
    values.target !== undefined ? [{ name: values.target, mode: null, settings: {} }] : checked(
      !has("modes", "variant", "vary") && file.variants ? file.variants : variantsOf(values, given, defaults),
      engine.settings,
    )
  );
  const loads = asked(() =>
    has("concurrency", "rate", "trace") ? loadsOf(values, given) : file.loads ?? loadsOf(values, given)
  );
  const slo = asked(() => values.slo === undefined ? file.slo ?? {} : parseSlo(values.slo));
  const mix = asked(() => mixOf(values, given, file.mix));
  if (!variants || !loads || !slo || !mix || problems.length > 0) throw new StartupError(problems);
  return {
    variants,
    loads,
    mix,
    slo,
    seed: has("seed") ? values.seed : file.seed ?? values.seed,
    rounds: has("rounds") ? values.rounds : file.rounds ?? values.rounds,
    ...limitsOf(values, given, file),
    stream: has("stream") ? values.stream : file.stream ?? values.stream,
    timeoutMs: has("timeout") ? values.timeout * 1000 : file.timeoutMs ?? values.timeout * 1000,
  };
}

/** Flags that would do nothing as they were typed. */
function alone(given: Command["given"], flags: readonly FlagName[]): string[] {
  const needing = [["arrivals", "rate"], ["speed", "trace"]] as const;
  const missing = needing
    .filter(([flag, needed]) => given.has(flag) && flags.includes(needed) && !given.has(needed))
    .map(([flag, needed]) => `--${flag} must come with --${needed}, got none`);
  const both = given.has("variant") && given.has("modes");
  return both ? [...missing, "--modes must be left out with --variant, which names its mode"] : missing;
}

function limitsOf(
  { requests, duration }: Command["values"],
  given: Command["given"],
  file: WorkloadFile,
): Pick<RunPlan, "requests" | "durationMs"> {
  const durationMs = duration === undefined ? undefined : duration * 1000;
  return {
    requests: (given.has("requests") ? requests : file.requests) ?? null,
    durationMs: (given.has("duration") ? durationMs : file.durationMs) ?? null,
  };
}

function loadsOf(
  { concurrency, rate, arrivals, trace, speed }: Command["values"],
  given: Command["given"],
): readonly Load[] {
  const open = rate.length > 0 || trace !== undefined;
  const closed = open && !given.has("concurrency") ? [] : concurrency;
  if (trace !== undefined) readTrace(trace); // what is wrong with it shows before anything runs
  const loads: UnnamedLoad[] = [
    ...closed.map((concurrency) => ({ kind: "closed" as const, concurrency })),
    ...rate.map((rate) => ({
      kind: "open" as const,
      arrivals: parseArrivalsFlag(arrivals ?? "poisson", rate),
    })),
    ...(trace === undefined
      ? []
      : [{ kind: "open" as const, arrivals: { kind: "trace" as const, file: trace, speed } }]),
  ];
  return loads.map((load) => ({ ...load, name: nameOfLoad(load) }));
}

function mixOf(values: Command["values"], given: Command["given"], file: RequestMix | undefined): RequestMix {
  const shaping = (["max-tokens", "prompt-tokens", "exact-output"] as const).filter((name) =>
    given.has(name)
  );
  if (file && shaping.length > 0) {
    throw new StartupError([
      `--${shaping[0]} must be left out with a workload file that has classes of requests`,
    ]);
  }
  if (file) return file;
  const length = values["prompt-tokens"];
  const only: RequestClass = {
    name: "default",
    weight: 1,
    prompt: length === undefined
      ? { kind: "natural" }
      : { kind: "tokens", length: parseLengthsFlag(length), sharedPrefix: 0, prefixes: 1 },
    output: { kind: "fixed", tokens: values["max-tokens"] },
    exactOutput: values["exact-output"],
    tenants: [{ name: "bench", weight: 1 }],
  };
  return { classes: [only] };
}

/** Modes or variants, each with every combination of the varied settings that shape it. */
function variantsOf(
  { modes, variant, vary }: Command["values"],
  given: Command["given"],
  defaults: PlanDefaults,
): readonly Variant[] {
  const bases = given.has("variant")
    ? variant.map(parseVariant)
    : (given.has("modes") ? modes : defaults.modes).map((mode) => ({ mode, settings: {} }));
  const varied = (given.has("vary") ? vary : defaults.vary).map(parseVaried);
  const idle = varied.find(({ setting }) => !bases.some(({ mode }) => shapes(setting, mode)));
  if (idle && given.has("vary")) {
    const modes = [...new Set(bases.map(({ mode }) => mode))].join(", ");
    throw new StartupError([
      `--vary must name a setting that shapes a measured mode (${modes}), got "${idle.setting}"`,
    ]);
  }
  const variants = bases.flatMap(({ mode, settings }) => {
    const shaping = varied.filter(({ setting }) => shapes(setting, mode));
    return combinations(shaping).map((chosen) => ({ mode, settings: { ...settings, ...chosen } }));
  });
  const named = variants.map((one) => ({ ...one, name: nameOfVariant(one) }));
  const distinct = [...new Map(named.map((one) => [one.name, one])).values()];
  if (distinct.length > MOST_VARIANTS) {
    throw new StartupError([`--vary must make at most ${MOST_VARIANTS} variants, got ${distinct.length}`]);
  }
  return distinct;
}

/** The variants. @throws {StartupError} for settings that do not go together with the common ones */
export function checked(variants: readonly Variant[], common: Settings): readonly Variant[] {
  const problems = variants.flatMap((one) => problemsOf(one, common));
  if (problems.length > 0) throw new StartupError(problems);
  return variants;
}

/** `micro_batch,BATCH_WINDOW_MS=5,MAX_BATCH_SIZE=16`. @throws {StartupError} */
export function parseVariant(text: string): Omit<Variant, "name"> & { readonly mode: Mode } {
  const [modeText, ...assignments] = text.split(",");
  const mode = MODES.find((known) => known === modeText);
  if (!mode) throw new StartupError([`a variant must begin with one of ${MODES.join(", ")}, got "${text}"`]);
  const settings = Object.fromEntries(
    assignments.map((assignment) => {
      const [name, ...value] = assignment.split("=");
      return [name, parseSetting(name ?? "", value.join("="))];
    }),
  );
  return { mode, settings };
}

function parseVaried(text: string): { setting: SettingName; values: readonly unknown[] } {
  const [name = "", list = ""] = text.split("=");
  const values = list.split(",").map((value) => parseSetting(name, value));
  return { setting: name as SettingName, values };
}

function parseSetting(name: string, text: string): unknown {
  const known = VARIANT_SETTINGS.find((setting) => setting === name);
  if (!known) {
    throw new StartupError([
      `a variant must change settings of the engine (deno task serve --help), got "${name}"`,
    ]);
  }
  const { parse, rule } = SETTINGS[known];
  const value = parse(text);
  if (value === undefined) throw new StartupError([`${name} must be ${rule}, got ${JSON.stringify(text)}`]);
  return value;
}

function combinations(
  varied: readonly { setting: SettingName; values: readonly unknown[] }[],
): Partial<Settings>[] {
  return varied.reduce<Partial<Settings>[]>(
    (some, { setting, values }) =>
      some.flatMap((chosen) => values.map((value) => ({ ...chosen, [setting]: value }))),
    [{}],
  );
}

/** What only shows beside the common settings. */
function problemsOf({ name, settings }: Variant, common: Settings): string[] {
  return boundProblems({ ...common, ...settings }).map((problem) => `${name}: ${problem}`);
}
