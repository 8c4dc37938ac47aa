import { StartupError } from "../../src/core/errors.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";
import { parseSlo } from "../metrics/figure_names.ts";
import type { Load, RequestClass, RequestMix, RunPlan, Variant } from "../plan.ts";
import { named, poisson, type UnnamedLoad } from "../workload/arrivals.ts";
import type { RUN_FIELDS } from "../workload/fields.ts";
import type { WorkloadFile } from "../workload/file.ts";
import { DEFAULT_TENANT } from "../workload/requests.ts";
import { readTrace } from "../workload/trace.ts";
import { checked, parseVariant, varied, withCandidates } from "../workload/variants.ts";
import type { Command } from "./command.ts";
import { commandSpec } from "./commands.ts";
import type { FlagName } from "./flags.ts";

/** What a command measures when neither its flags nor a workload file say it. */
export interface PlanDefaults {
  readonly modes: readonly Mode[];
  /** Vary each variant over what its mode has to offer for a worker of so many rows. @default not at all */
  readonly rows?: number;
}

/**
 * The plan that a command's flags ask for; a workload file says what they leave open, and defaults the rest.
 * @throws {StartupError} with one line for each problem
 */
export function planOf(
  { name, values, given, engine }: Command,
  file: WorkloadFile,
  defaults: PlanDefaults = { modes: MODES },
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
  const said: Partial<Pick<Command["values"], keyof typeof RUN_FIELDS>> = file;
  const { seed, rounds, requests = null, duration, stream, timeout } = {
    ...values,
    ...said,
    ...typedOf(values, given),
  };
  return {
    variants,
    loads,
    mix,
    slo,
    seed,
    rounds,
    requests,
    durationMs: duration === undefined ? null : 1000 * duration,
    stream,
    timeoutMs: 1000 * timeout,
  };
}

function typedOf(values: Command["values"], given: Command["given"]): Partial<Command["values"]> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => given.has(name as FlagName)));
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

/** Modes or variants, each with every combination of the varied settings that shape it. */
function variantsOf(
  { modes, variant, vary }: Command["values"],
  given: Command["given"],
  defaults: PlanDefaults,
): readonly Variant[] {
  const bases = given.has("variant")
    ? variant.map(parseVariant)
    : (given.has("modes") ? modes : defaults.modes).map((mode) => ({ mode, settings: {} }));
  const { rows } = defaults;
  return rows === undefined || given.has("vary") ? varied(bases, vary) : withCandidates(bases, rows);
}

function loadsOf(
  { concurrency, rate, arrivals, trace, speed }: Command["values"],
  given: Command["given"],
): readonly Load[] {
  const open = rate.length > 0 || trace !== undefined;
  const closed = open && !given.has("concurrency") ? [] : concurrency;
  if (trace !== undefined) readTrace(trace); // what is wrong with it shows before anything runs
  const opened = [
    ...rate.map(arrivals ?? poisson),
    ...(trace === undefined ? [] : [{ kind: "trace" as const, file: trace, speed }]),
  ];
  const loads: UnnamedLoad[] = [
    ...closed.map((concurrency) => ({ kind: "closed" as const, concurrency })),
    ...opened.map((arrivals) => ({ kind: "open" as const, arrivals })),
  ];
  return loads.map(named);
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
      : { kind: "tokens", length, sharedPrefix: 0, prefixes: 1 },
    output: { kind: "fixed", tokens: values["max-tokens"] },
    exactOutput: values["exact-output"],
    tenants: [DEFAULT_TENANT],
  };
  return { classes: [only] };
}
