import { percentile as percentileOfSorted } from "../metrics/percentile.ts";

/** A figure that was reached, beside the one that was aimed at. */
export interface Figure {
  readonly name: string;
  readonly reached: string;
  readonly target: string;
  readonly met: boolean;
  /** Every single measurement that the figure was computed from. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

/** As everywhere: see `bench/metrics/percentile.ts`. */
export function percentile(samples: readonly number[], percent: number): number {
  return percentileOfSorted(samples.toSorted((a, b) => a - b), percent);
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/** "0.81 (0.74 to 0.90)": the median and the extremes. */
export function spread(samples: readonly number[], digits = 2): string {
  const [low, high] = [Math.min(...samples), Math.max(...samples)];
  return `${median(samples).toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}
