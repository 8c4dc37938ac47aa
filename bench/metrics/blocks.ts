import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Sample } from "../record/sample.ts";
import { timeInSystemMs, turnsOf } from "./requests.ts";

/** How often each request was drawn, in the order of `measuredRequests`. */
export type Weights = Uint32Array;

/** Schmeiser, "Batch Size Effects in the Analysis of Simulation Output", 1982: more than 10 to 30 blocks make an interval
 * hardly narrower, but wrong where neighbours are alike; of that range this is what covers best in bootstrap_test.ts. */
const BLOCKS = 12;
/** With fewer no interval is given. */
export const FEWEST_BLOCKS = 5;

/**
 * In how many blocks each round is cut: about 12 in all, fewer where blocks would be shorter than the mean number of
 * requests in the system, since those shared a queue or a batch; not fewer than 5 in all while there are requests.
 * From 9 rounds on a block is a whole round.
 * @param requests as `measuredRequests` orders them.
 */
export function blocksPerRound(requests: readonly Sample[]): number {
  const turns = turnsOf(requests);
  const inSystem = requests.reduce((sum, request) => sum + timeInSystemMs(request), 0) /
    turns.reduce((sum, { measuredMs }) => sum + measuredMs, 0);
  const perRound = requests.length / turns.length;
  const wanted = Math.min(
    Math.round(BLOCKS / turns.length),
    Math.floor(perRound / Math.max(1, inSystem || 1)),
  );
  const fewest = Math.min(Math.ceil(FEWEST_BLOCKS / turns.length), Math.floor(perRound));
  return Math.max(1, fewest, wanted);
}

/** Blocks of all rounds together. */
export function blocksInAll(requests: readonly Sample[], perRound: number): number {
  return Math.min(requests.length, perRound * turnsOf(requests).length);
}

/**
 * Draws as many blocks as there are, with replacement: a round, all alike, then an instant in it from which the block
 * goes on, beyond the round's end from its start (the circular block bootstrap of Politis & Romano, 1992, after Künsch's
 * moving blocks, 1989; the circle gives the first and last requests their share). The draws depend on the seed, the
 * number of rounds and of blocks alone: cells that were measured in turn are resampled alike when they share these.
 * @yields the same array each time, filled anew.
 */
export function* drawWeights(
  requests: readonly Sample[],
  blocks: number,
  draws: { readonly count: number; readonly seed: number },
): Generator<Weights> {
  const turns = turnsOf(requests);
  const starts = turns.map((_, at) =>
    turns.slice(0, at).reduce((sum, turn) => sum + turn.requests.length, 0)
  );
  const random = xoroshiro128plus(draws.seed);
  const weights = new Uint32Array(requests.length);
  for (let draw = 0; draw < draws.count; draw++) {
    weights.fill(0);
    for (let block = 0; block < blocks * turns.length; block++) {
      const at = uniformInt(random, 0, turns.length - 1);
      const size = turns[at]?.requests.length ?? 0;
      const from = Math.floor(uniformFloat64(random) * size);
      const length = Math.max(1, Math.round(size / blocks));
      count(weights, starts[at] ?? 0, size, from, length);
    }
    yield weights;
  }
}

/** Once more for each of `length` requests of the round at `start`, round its end. */
function count(weights: Weights, start: number, size: number, from: number, length: number): void {
  for (let step = 0; step < length; step++) {
    const at = from + step;
    weights[start + (at < size ? at : at - size)]! += 1;
  }
}
