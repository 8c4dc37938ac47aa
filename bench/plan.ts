/** The words in which a run is asked for: by flags, by a workload file, or by a command. Imports nothing of ours but types. */
import type { Settings } from "../src/config/config.ts";
import type { Millis, Mode } from "../src/core/types.ts";

/** All that a run measures: every variant under every load, each in so many rounds. */
export interface RunPlan {
  readonly variants: readonly Variant[];
  readonly loads: readonly Load[];
  readonly mix: RequestMix;
  /** The same seed gives the same requests at the same times, in every variant. */
  readonly seed: number;
  /** In each round every cell has one turn, in an order drawn anew. */
  readonly rounds: number;
  /** Limits of each cell, over all rounds; it ends with whichever is first. Null sets no limit. */
  readonly requests: number | null;
  readonly durationMs: Millis | null;
  /** Answers are read token by token. */
  readonly stream: boolean;
  /** The deadline that each request carries. */
  readonly timeoutMs: Millis;
  readonly slo: Slo;
}

/** When a turn ends: after so many requests or so much time, whichever is first; Infinity sets no limit. */
export interface TurnLimits {
  readonly requests: number;
  readonly durationMs: Millis;
}

/** One way to run the engine. */
export interface Variant {
  /** The name in tables and samples: `micro_batch`, or `micro_batch BATCH_WINDOW_MS=5` where modes alone don't tell apart. */
  readonly name: string;
  /** Null stands for the mode of the engine at the target. */
  readonly mode: Mode | null;
  /** What differs from the run's common settings. */
  readonly settings: Partial<Settings>;
  /** Another checkout of Omnispan, whose engine is started instead of this one's. */
  readonly checkout?: Checkout;
  /** The names of the loads under which it is measured. @default all */
  readonly loads?: readonly string[];
}

export interface Checkout {
  readonly folder: string;
  /** Null outside of git. */
  readonly commit: string | null;
  /** Its files are not those of the commit. */
  readonly changed: boolean;
}

/** How requests come: a closed loop's client waits for its answer, an open loop sends whatever becomes of it. */
export type Load =
  | {
    readonly kind: "closed";
    readonly name: string;
    readonly concurrency: number;
    /** Requests of each cell under this load, in place of the plan's. */
    readonly requests?: number;
  }
  | { readonly kind: "open"; readonly name: string; readonly arrivals: Arrivals };

/** The combinations that are measured; a variant whose loads are all not in the plan is measured under each. */
export function cellsOf(
  { variants, loads }: Pick<RunPlan, "variants" | "loads">,
): { readonly variant: Variant; readonly load: Load }[] {
  return variants.flatMap((variant) => {
    const own = loads.filter(({ name }) => variant.loads?.includes(name));
    return (own.length > 0 ? own : loads).map((load) => ({ variant, load }));
  });
}

/** The process of an open loop's send instants; rates are requests a second. */
export type Arrivals =
  | { readonly kind: "constant"; readonly rate: number }
  | { readonly kind: "poisson"; readonly rate: number }
  /** Gaps of a gamma distribution; cv is their standard deviation over their mean: 1 is Poisson, above it burstier. */
  | { readonly kind: "gamma"; readonly rate: number; readonly cv: number }
  /** `size` requests at one instant, the instants Poisson; `rate` counts requests. */
  | { readonly kind: "bursts"; readonly rate: number; readonly size: number }
  /** Poisson with a rate that goes evenly from one to the other over the run. */
  | { readonly kind: "ramp"; readonly from: number; readonly to: number }
  /** Poisson with one rate after the other, each for an equal share of the run. */
  | { readonly kind: "steps"; readonly rates: readonly number[] }
  /** The instants and token counts of a recorded trace, `speed` times as fast as they came. */
  | {
    readonly kind: "trace";
    readonly file: string;
    readonly speed: number;
    /** Longer prompts and answers of the trace are cut to these; absent: as they were. */
    readonly maxPromptTokens?: number;
    readonly maxOutputTokens?: number;
  };

/** What is asked: classes of requests, drawn by their weights. */
export interface RequestMix {
  readonly classes: readonly RequestClass[];
}

export interface RequestClass {
  readonly name: string;
  readonly weight: number;
  readonly prompt: PromptSource;
  /** The output tokens asked for. */
  readonly output: Lengths;
  /** The answer has just as many: the model's own end is ignored. */
  readonly exactOutput: boolean;
  /** Tenants that ask, drawn by weight. */
  readonly tenants: readonly { readonly name: string; readonly weight: number }[];
}

export type PromptSource =
  /** The built-in questions and tasks of ten to a hundred and fifty tokens. */
  | { readonly kind: "natural" }
  /** Words of about one token each; `sharedPrefix` of them are the same for all prompts of one of `prefixes` groups. */
  | {
    readonly kind: "tokens";
    readonly length: Lengths;
    readonly sharedPrefix: number;
    readonly prefixes: number;
  };

/** A distribution of token counts; every draw is a whole number from 1, cut to `min` and `max` where those are given. */
export type Lengths =
  | { readonly kind: "fixed"; readonly tokens: number }
  | { readonly kind: "uniform"; readonly min: number; readonly max: number }
  | {
    readonly kind: "normal" | "lognormal";
    readonly mean: number;
    readonly sd: number;
    readonly min: number;
    readonly max: number;
  }
  /** Draws from 1, 2, 3, ...; with many small steps a token these are the exponential service times of queueing theory. */
  | { readonly kind: "geometric"; readonly mean: number; readonly max: number };

/** What each request must keep to count for goodput; absent: no limit. */
export interface Slo {
  readonly ttftMs?: Millis;
  readonly tpotMs?: Millis;
  readonly e2eMs?: Millis;
}
