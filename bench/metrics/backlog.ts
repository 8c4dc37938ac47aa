import { percentile } from "../../src/percentile.ts";
import { requestFigures } from "./request.ts";
import type { Turn } from "./requests.ts";
import { normalTail } from "./expanded_tail.ts";

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
