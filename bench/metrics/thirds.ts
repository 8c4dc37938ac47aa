import type { Turn } from "./requests.ts";

/** Whether a closed loop was as fast in each third of its turns. */
export interface Thirds {
  /** Successful ends a second in the first, second and last third, over all rounds. */
  readonly rates: readonly [number, number, number];
  /** How likely such differences are where the thirds are alike. */
  readonly chance: number;
}

const SLICES_A_THIRD = 5;
/** Ends of a turn; with fewer a slice has two or less, and ranks say nothing. */
const LEAST_ENDS = 45;

/**
 * A closed loop has no backlog that could grow, so what tells that it is not steady is its throughput: memory or caches
 * fill, a machine gets hot. Each turn's time from its first end to its last send (before and after it fills and drains) is
 * cut in 15 slices of equal length, and the ends in them compared by ranks between the thirds (Kruskal & Wallis, 1952),
 * which needs no assumption on how the ends of batches clump. The statistics of the rounds add up, each with two
 * degrees of freedom.
 * @returns null where no turn has 45 successful ends in that time.
 */
export function thirdsOf(turns: readonly Turn[]): Thirds | null {
  const ends = [0, 0, 0];
  let [seconds, statistic, rounds] = [0, 0, 0];
  for (const turn of turns) {
    const counts = endsBySlice(turn);
    if (counts === null) continue;
    const thirds = [0, 1, 2].map((third) =>
      counts.slice(third * SLICES_A_THIRD, (third + 1) * SLICES_A_THIRD)
    );
    thirds.forEach((slices, third) => ends[third]! += slices.reduce((sum, count) => sum + count, 0));
    statistic += kruskalWallis(thirds);
    seconds += (turn.lastIntendedAt - firstEnd(turn)) / 3000;
    rounds++;
  }
  if (rounds === 0) return null;
  const [first, second, last] = ends.map((count) => count / seconds);
  return { rates: [first ?? NaN, second ?? NaN, last ?? NaN], chance: chiSquareTail(statistic, rounds) };
}

function endsBySlice(turn: Turn): number[] | null {
  const from = firstEnd(turn);
  const counts = new Array<number>(3 * SLICES_A_THIRD).fill(0);
  const sliceMs = (turn.lastIntendedAt - from) / counts.length;
  if (!(sliceMs > 0)) return null;
  for (const { endedAt, outcome } of turn.requests) {
    const slice = Math.ceil((endedAt - from) / sliceMs) - 1; // (from, to]: the first end begins the time, so it isn't in it
    if (outcome === "ok" && slice >= 0 && slice < counts.length) counts[slice]! += 1;
  }
  return counts.reduce((sum, count) => sum + count, 0) < LEAST_ENDS ? null : counts;
}

function firstEnd({ requests }: Turn): number {
  return requests.reduce((first, { endedAt }) => Math.min(first, endedAt), Infinity);
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
