/** Whether a cell was in a steady state: Little's law, a growing backlog, and throughput over time. */
// @ts-types="@types/d3-array"
import { median } from "d3-array";
import type { LittlesLaw } from "./cell_summary.ts";
import { requestFigures, timeInSystemMs, type Turn } from "./requests.ts";
import { percentile } from "../../src/percentile.ts";
import { chiSquareTail, kruskalWallis, normalTail } from "./statistics.ts";

/** Of the time that a turn took to fill: a shorter window is mostly its edges. */
const LEAST_WINDOW = 2;
/** Of a turn's requests: by the median of what these took it has filled. Later ones may have met a backlog. */
const FIRST_SHARE = 0.1;

/**
 * Little's law, L = lambda x W (Little, 1961), as a check of the steady state. Each turn is watched from when it has filled,
 * by the median time that its first tenth took, to its last intended instant. L is the number in the system
 * averaged over that window, lambda the arrivals in it, W the mean time that these took, also where it ended after the
 * window. Over several turns windows, arrivals and times are added up before they are divided, so a longer turn weighs
 * more.
 *
 * What those already there at the window's start still take in it makes up for what its own arrivals take after it, if
 * the system is steady; where a backlog grows the residual is negative. (Over complete turns both sides would be the
 * same sum, and the residual 0 whatever happened.)
 *
 * NaN without a window of twice the time to fill. Times are real ones, of failures too.
 */
export function littlesLaw(turns: readonly Turn[]): LittlesLaw {
  let [windowMs, inWindowMs, wholeMs] = [0, 0, 0];
  for (const { requests, firstIntendedAt, lastIntendedAt } of turns) {
    const first = requests.slice(0, Math.ceil(FIRST_SHARE * requests.length));
    const filledMs = median(first, timeInSystemMs) ?? NaN;
    const start = firstIntendedAt + filledMs;
    if (!(lastIntendedAt - start >= LEAST_WINDOW * filledMs) || lastIntendedAt === start) continue;
    windowMs += lastIntendedAt - start;
    for (const request of requests) {
      const [from, to] = [Math.max(request.intendedAt, start), Math.min(request.endedAt, lastIntendedAt)];
      inWindowMs += Math.max(0, to - from);
      if (request.intendedAt > start) wholeMs += timeInSystemMs(request);
    }
  }
  const [inSystem, rateTimesTime] = [inWindowMs / windowMs, wholeMs / windowMs];
  return { inSystem, rateTimesTime, residual: inSystem / rateTimesTime - 1 };
}

/** Whether the latency of an open loop grew for as long as requests came. */
export interface Growth {
  /** Milliseconds of E2E latency that each millisecond of arrivals added. */
  readonly slope: number;
  /** One-sided: how likely as clear a growth is where there is none. */
  readonly chance: number;
}

/** The start, in which queue and batch fill, is no growth; and the end of a growth is hidden, since the last requests
 * share the service with ever fewer. */
const [SKIPPED_AT_START, SKIPPED_AT_END] = [0.2, 0.1];
const BLOCKS = 10;
/** Requests of a block; fewer have no median to speak of. */
const LEAST_BLOCK = 5;

/**
 * When arrivals outrun the service, each request waits longer than the one before: at arrival rate a and service rate s
 * the latency of a first-in-first-out system grows by a/s - 1 for each second of arrivals, so the slope is the overload.
 * The slope is Sen's (1968), the median of the slopes between any two blocks' median latencies, and the test is Mann's
 * and Kendall's (1945) of whether later blocks are slower; over the rounds their sums (Hirsch, Slack & Smith, 1982).
 * Both use order alone: a pause, a few failures or a heavy tail don't make a trend.
 * @returns null where no round has 10 blocks of 5 requests at different instants.
 */
export function growthOf(turns: readonly Turn[]): Growth | null {
  const slopes: number[] = [];
  let [score, variance] = [0, 0];
  for (const turn of turns) {
    const points = blockMedians(turn);
    const pairs = points.flatMap((later, at) =>
      points.slice(0, at).map((earlier) => [earlier, later] as const)
    );
    score += pairs.reduce((sum, [earlier, later]) => sum + Math.sign(later.e2eMs - earlier.e2eMs || 0), 0);
    variance += varianceOf(points.map(({ e2eMs }) => e2eMs));
    slopes.push(
      ...pairs.map(([earlier, later]) => (later.e2eMs - earlier.e2eMs || 0) / (later.at - earlier.at))
        .filter((slope) => !Number.isNaN(slope)),
    );
  }
  if (slopes.length === 0) return null;
  const slope = percentile(slopes.sort((a, b) => a - b), 50);
  const z = (score - 1) / Math.sqrt(variance);
  return { slope, chance: score > 1 ? normalTail(z) : 1 };
}

/** Of Kendall's score where there is no trend, less by what ties can't say. */
function varianceOf(values: readonly number[]): number {
  const terms = (count: number) => count * (count - 1) * (2 * count + 5) / 18;
  const ties = [...new Set(values)].map((value) => values.filter((other) => other === value).length);
  return ties.reduce((variance, count) => variance - terms(count), terms(values.length));
}

function blockMedians({ requests }: Turn): { at: number; e2eMs: number }[] {
  const [from, to] = [SKIPPED_AT_START, 1 - SKIPPED_AT_END].map((share) =>
    Math.floor(requests.length * share)
  );
  const kept = requests.slice(from, to);
  const size = Math.floor(kept.length / BLOCKS);
  if (size < LEAST_BLOCK) return [];
  return Array.from({ length: BLOCKS }, (_, block) => {
    const those = kept.slice(block * size, (block + 1) * size);
    const median = (values: number[]) => percentile(values.sort((a, b) => a - b), 50);
    return {
      at: median(those.map(({ intendedAt }) => intendedAt)),
      e2eMs: median(those.map((request) => requestFigures(request).e2eMs)),
    };
  });
}

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
