/** Intervals and tests of plain numbers. */

/** The ends of an interval that holds the true value in 95 % of all cases. */
export interface Interval {
  /** NaN: the samples don't bound it. */
  readonly low: number;
  /** Infinity: nothing bounds it, or it falls on requests that failed. NaN: the samples don't bound it. */
  readonly high: number;
}

/** Of the standard normal distribution, 97.5 %. */
const Z = 1.959963984540054;

/**
 * The share of replicates beyond each end of a 95 % interval that was resampled from few blocks. Plain 2.5 % would give
 * intervals that are too narrow, by sqrt((k - 1) / k) and by normal in place of Student's t; this is Hesterberg's
 * expanded percentile interval ("What Teachers Should Know About the Bootstrap", 2015, section 4.1): the normal tail
 * beyond sqrt(k / (k - 1)) x t(k - 1; 97.5 %).
 * @param blocks from 5.
 */
export function expandedTail(blocks: number): number {
  return normalTail(Math.sqrt(blocks / (blocks - 1)) * studentQuantile(blocks - 1));
}

/** t at 97.5 %, by the expansion in 1 / degrees of Abramowitz & Stegun 26.7.5; within 0.4 % from 4 degrees on. */
function studentQuantile(degrees: number): number {
  return Z + (Z ** 3 + Z) / (4 * degrees) + (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / (96 * degrees ** 2) +
    (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / (384 * degrees ** 3);
}

/** Above x > 0, by Abramowitz & Stegun 26.2.17; error below 7.5e-8. */
export function normalTail(x: number): number {
  const t = 1 / (1 + 0.2316419 * x);
  const series = t *
    (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return series * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
}

/**
 * The 95 % interval of a share by Wilson's score (1927). Resampling can't give it: where nothing failed no replicate has
 * a failure, but 0 of 100 leaves room for 3.7 %. Failures that come together make it wider than this says.
 */
export function wilsonInterval(of: number, all: number): Interval {
  if (all === 0) return { low: NaN, high: NaN };
  const share = of / all;
  const middle = (share + Z ** 2 / (2 * all)) / (1 + Z ** 2 / all);
  const half = Z / (1 + Z ** 2 / all) * Math.sqrt(share * (1 - share) / all + Z ** 2 / (4 * all ** 2));
  return { low: of === 0 ? 0 : middle - half, high: of === all ? 1 : middle + half };
}

/** H with its correction for ties; near chi-square with (groups - 1) degrees of freedom. 0 where all are equal. */
export function kruskalWallis(groups: readonly (readonly number[])[]): number {
  const all = groups.flat();
  const n = all.length;
  const tied = (value: number) => all.filter((other) => other === value).length;
  const rankOf = (value: number) => all.filter((other) => other < value).length + (tied(value) + 1) / 2;
  const between = groups.reduce((sum, group) => {
    const ranks = group.reduce((ranks, value) => ranks + rankOf(value), 0);
    return sum + ranks ** 2 / group.length;
  }, 0);
  const ties = all.reduce((sum, value) => sum + tied(value) ** 2 - 1, 0);
  const correction = 1 - ties / (n ** 3 - n);
  return correction > 0 ? (12 / (n * (n + 1)) * between - 3 * (n + 1)) / correction : 0;
}

/** Above x, with 2 x `halfDegrees` degrees of freedom: exp(-x/2) times the first terms of exp's series. */
export function chiSquareTail(x: number, halfDegrees: number): number {
  let [term, sum] = [1, 1];
  for (let k = 1; k < halfDegrees; k++) sum += term *= x / 2 / k;
  return Math.exp(-x / 2) * sum;
}
