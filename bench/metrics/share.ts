import type { Interval } from "./bootstrap.ts";

const Z = 1.959963984540054;

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
