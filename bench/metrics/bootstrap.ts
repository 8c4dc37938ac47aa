import type { Sample } from "../record/sample.ts";

/** How often each request was drawn, in the order of the rounds and in each by intended instant. */
export type Weights = Uint32Array;

/** A figure of a cell: of its samples as they are, or of any resampling of them. */
export interface Statistic {
  /** Of the samples that are measured and ended. NaN: there is nothing to compute it from. */
  (samples: readonly Sample[]): number;
  /** For the requests in the order of the weights: the figure as if each were there as often as its weight says. */
  readonly resampled: (requests: readonly Sample[]) => (weights: Weights) => number;
}

export interface RatioInterval {
  /** The statistic of `next` over that of `base`. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The rounds of both were resampled together, since they were measured in turn. */
  readonly paired: boolean;
}

/** The statistic of each of `count` resamplings of the cell's samples; the same seed draws the same blocks. */
export function replicates(
  _samples: readonly Sample[],
  _statistic: Statistic,
  _options: { readonly count?: number; readonly seed?: number } = {},
): Float64Array {
  throw new Error("to come");
}

/** The 95 % interval of next / base. */
export function ratioInterval(
  _base: readonly Sample[],
  _next: readonly Sample[],
  _statistic: Statistic,
): RatioInterval {
  throw new Error("to come");
}

/** For each candidate (the samples of a cell) the probability that its statistic is the best of all; they add up to 1. */
export function probabilityOfBest(
  _candidates: readonly (readonly Sample[])[],
  _statistic: Statistic,
  _higherIsBetter: boolean,
): number[] {
  throw new Error("to come");
}
