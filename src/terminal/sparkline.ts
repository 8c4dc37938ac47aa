import type { Millis } from "../core/types.ts";

export interface Point {
  /** The end of its second, in Unix ms. */
  readonly at: Millis;
  readonly value: number;
}

const HEIGHTS = "▁▂▃▄▅▆▇█";
const SECOND = 1000;

/**
 * The last `cells * secondsPerCell` seconds up to the newest point, oldest first: a cell is the mean of its points,
 * the highest cell is full, and a cell without points is blank. Cells begin at round times, so that a point stays in
 * its cell while the line moves on.
 */
export function sparkline(points: readonly Point[], cells: number, secondsPerCell: number): string {
  const newest = points.at(-1);
  if (!newest || cells < 1) return "";
  const cellOf = (at: Millis) => Math.floor((at - 1) / (secondsPerCell * SECOND));
  const first = cellOf(newest.at) - cells + 1;
  const sums = Array.from({ length: cells }, () => ({ sum: 0, count: 0 }));
  for (const { at, value } of points) {
    const cell = sums[cellOf(at) - first];
    if (!cell) continue;
    cell.sum += value;
    cell.count++;
  }
  const means = sums.map(({ sum, count }) => count === 0 ? undefined : sum / count);
  const highest = Math.max(...means.map((mean) => mean ?? 0));
  return means.map((mean) => mean === undefined ? " " : heightOf(highest === 0 ? 0 : mean / highest)).join(
    "",
  );
}

/** What is not nothing is more than the lowest. */
function heightOf(share: number): string {
  return HEIGHTS[share === 0 ? 0 : Math.max(1, Math.round(share * (HEIGHTS.length - 1)))] ?? "";
}
