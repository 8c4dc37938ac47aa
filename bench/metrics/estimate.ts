import type { Sample } from "../record/sample.ts";
import type { Distribution, Estimate } from "./cell_summary.ts";
import { blocksInAll, blocksPerRound, intervalOf, replicatesOf, type Weighing } from "./resampling.ts";
import { distributionOf, type Values } from "./weighing.ts";

export const PERCENTS = [50, 90, 95, 99] as const;
const [MOST_REPLICATES, FEWEST_REPLICATES] = [1000, 400];
/** Values that are walked over for one summary's latency, all replicates together; keeps it at about a second. */
const WALKED_VALUES = 4e7;
const SEED = 1;

/** Fewer samples than this beyond a percentile don't tell where it is. */
const BEYOND = 5;

/**
 * The one figure of a weighing with its interval. Few: as for a median, fewer than 10 requests.
 * @param requests as `measuredRequests` orders them.
 */
export function estimateOf(requests: readonly Sample[], weighing: Weighing): Estimate {
  const [estimate = NOTHING] = estimatesOf(requests, weighing, requests.length);
  return { ...estimate, few: isFew(requests.length, 50) };
}

export function distributionEstimate(requests: readonly Sample[], values: Values): Distribution {
  const samples = values.values.length;
  const weighing = distributionOf(values, requests.length, PERCENTS);
  const [mean = NOTHING, ...percentiles] = samples === 0 ? [] : estimatesOf(requests, weighing, samples);
  const told = new Set(values.owners).size;
  const [p50 = NOTHING, p90 = NOTHING, p95 = NOTHING, p99 = NOTHING] = percentiles.map((estimate, at) =>
    boundedBy(estimate, PERCENTS[at]!, told)
  );
  return { mean: { ...mean, few: isFew(told, 50) }, p50, p90, p95, p99 };
}

/** All figures of the weighing, with intervals from one set of resamplings. */
function estimatesOf(requests: readonly Sample[], weighing: Weighing, samples: number): Estimate[] {
  const values = weighing(new Uint32Array(requests.length).fill(1));
  const count = Math.min(MOST_REPLICATES, Math.max(FEWEST_REPLICATES, Math.floor(WALKED_VALUES / samples)));
  const perRound = requests.length === 0 ? 1 : blocksPerRound(requests);
  const replicated = requests.length === 0
    ? []
    : replicatesOf(requests, weighing, perRound, { count, seed: SEED });
  const blocks = blocksInAll(requests, perRound);
  return values.map((value, figure) => ({
    value,
    ...Number.isNaN(value) ? { low: NaN, high: NaN } : intervalOf(replicated[figure]!, blocks),
    samples,
    few: false,
  }));
}

export const NOTHING: Estimate = { value: NaN, low: NaN, high: NaN, samples: 0, few: true };

/** Fewer than 5 of independent samples lie beyond the percentile: p95 needs 100, p99 500, the median 10. */
export function isFew(samples: number, percent: number): boolean {
  return samples * (100 - percent) < BEYOND * 100;
}

/**
 * Marks a percentile, and opens its upper end where even the greatest of independent samples would lie below the true
 * percentile more often than in 2.5 % of all cases: (percent / 100) ^ n > 0.025. No resampling can know what lies beyond
 * the greatest sample. The interval is bounded from 72 samples on at p95, from 368 at p99.
 * @param told requests with a value. The gaps of one answer were made in the same batches and are alike, so of ITL too
 * only requests count as independent.
 */
function boundedBy(estimate: Estimate, percent: number, told: number): Estimate {
  const unbounded = (percent / 100) ** told > 0.025;
  const high = unbounded && !Number.isNaN(estimate.value) ? Infinity : estimate.high;
  return { ...estimate, high, few: isFew(told, percent) };
}
