import type { Estimate } from "../metrics/cell_summary.ts";

/** How many times one figure is another, with a 95 % confidence interval. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The interval has 1 outside, so the two figures differ. */
  readonly differs: boolean;
}

/**
 * The quotient of two positive figures that were estimated apart. Its interval comes from theirs on the log scale by
 * the method of variance estimates recovery (Zou & Donner, "Construction of confidence limits about effect measures",
 * Statistics in Medicine 27, 2008). Undefined where a figure or a limit is 0, NaN or infinite.
 */
export function ratioOf(of: Estimate, to: Estimate): Ratio | undefined {
  const limits = [of.value, of.low, of.high, to.value, to.low, to.high];
  if (!limits.every((limit) => limit > 0 && Number.isFinite(limit))) return undefined;
  const [a, aLow, aHigh, b, bLow, bHigh] = limits.map(Math.log) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const low = Math.exp(a - b - Math.hypot(a - aLow, bHigh - b));
  const high = Math.exp(a - b + Math.hypot(aHigh - a, b - bLow));
  return { value: Math.exp(a - b), low, high, differs: low > 1 || high < 1 };
}
