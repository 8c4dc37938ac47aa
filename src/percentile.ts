/**
 * The value that `percent` of the samples do not exceed, linear between the two closest ranks: rank
 * (n - 1) x percent / 100 counted from 0 (type 7 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", 1996; the
 * default of NumPy, R and d3). The only definition of a percentile in this repository.
 * @param sorted ascending; Infinity is a value like others: a percentile that touches it is Infinity.
 * @param percent from 0 to 100.
 * @returns NaN when there are no samples.
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  return percentileOf(sorted.length, (rank) => sorted[rank] ?? NaN, percent);
}

/** The same of `count` samples that are not kept one by one; `valueAt` gives the one at a rank from 0 to count - 1. */
export function percentileOf(count: number, valueAt: (rank: number) => number, percent: number): number {
  if (count === 0) return NaN;
  const rank = (count - 1) * percent / 100;
  const below = Math.floor(rank);
  const lower = valueAt(below);
  return rank === below ? lower : between(lower, valueAt(below + 1), rank - below);
}

/** The point at `fraction` (over 0 to under 1) of the way; a way to Infinity is Infinity as soon as it is entered. */
function between(lower: number, upper: number, fraction: number): number {
  if (lower === upper) return lower;
  return upper === Infinity ? Infinity : lower + (upper - lower) * fraction;
}
