/** How sure a figure is: its cell's requests are drawn again and again, in blocks. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Sample } from "../record/sample.ts";
import { measuredRequests, timeInSystemMs, type Turn, turnsOf } from "./requests.ts";
import { percentile } from "../../src/percentile.ts";
import { expandedTail, type Interval } from "./statistics.ts";

/** How often each request was drawn, in the order of `measuredRequests`. */
export type Weights = Uint32Array;

/** Schmeiser, "Batch Size Effects in the Analysis of Simulation Output", 1982: more than 10 to 30 blocks make an interval
 * hardly narrower, but wrong where neighbours are alike; of that range this is what covers best in resampling_test.ts. */
const BLOCKS = 12;
/** With fewer no interval is given. */
const FEWEST_BLOCKS = 5;

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

/** Figures of a cell as if each request were there as often as its weight says; with all weights 1 those of the cell. */
export type Weighing = (weights: Weights) => readonly number[];

/** A figure of a cell: of its samples as they are, or of any resampling of them. */
export interface Statistic {
  /** Of the samples that are measured and ended. NaN: there is nothing to compute it from. */
  (samples: readonly Sample[]): number;
  /** The figure alone, for requests in the order of `measuredRequests`. */
  readonly weighing: (requests: readonly Sample[]) => Weighing;
}

export interface Resampling {
  /** @default 1000 */
  readonly count?: number;
  /** The same seed draws the same blocks. @default 1 */
  readonly seed?: number;
  /** @default what `blocksPerRound` says of the samples */
  readonly blocks?: number;
}

export interface RatioInterval extends Interval {
  /** The statistic of `next` over that of `base`. */
  readonly value: number;
  /** The rounds of both were resampled together, since they were measured in turn. */
  readonly paired: boolean;
}

const REPLICATES = 1000;
const SEED = 1;

/** The statistic of each of `count` resamplings of the cell's samples. */
export function replicates(
  samples: readonly Sample[],
  statistic: Statistic,
  { count = REPLICATES, seed = SEED, blocks }: Resampling = {},
): Float64Array {
  const requests = measuredRequests(samples);
  if (requests.length === 0) return new Float64Array(count).fill(NaN);
  const weighing = statistic.weighing(requests);
  return replicatesOf(requests, weighing, blocks ?? blocksPerRound(requests), { count, seed })[0]!;
}

/** For each figure of the weighing its value in each resampling. */
export function replicatesOf(
  requests: readonly Sample[],
  weighing: Weighing,
  blocks: number,
  draws: { readonly count: number; readonly seed: number },
): Float64Array[] {
  const replicated: Float64Array[] = [];
  let at = 0;
  for (const weights of drawWeights(requests, blocks, draws)) {
    weighing(weights).forEach((value, figure) => {
      (replicated[figure] ??= new Float64Array(draws.count))[at] = value;
    });
    at++;
  }
  return replicated;
}

/** The 95 % interval that replicates of so many blocks give. A replicate that is NaN counts against both ends. */
export function intervalOf(replicated: Float64Array, blocks: number): Interval {
  if (blocks < FEWEST_BLOCKS) return { low: NaN, high: NaN };
  const sorted = replicated.filter((value) => !Number.isNaN(value)).sort();
  const nothing = new Float64Array(replicated.length - sorted.length).fill(NaN);
  const percent = 100 * expandedTail(blocks);
  return {
    low: percentile(Float64Array.of(...nothing, ...sorted), percent),
    high: percentile(Float64Array.of(...sorted, ...nothing), 100 - percent),
  };
}

/** Replicates of several cells whose n-th values belong together, so that they can be compared value by value. */
export interface JointReplicates {
  readonly replicated: readonly Float64Array[];
  /** The fewest blocks of any of the cells. */
  readonly blocks: number;
  /** The cells were measured in turn and resampled by the same draws. */
  readonly paired: boolean;
}

/**
 * Cells that were measured in turn are resampled by the same draws: what a round, or the same stretch of the same
 * workload, did to all of them falls out of a comparison. Others are resampled independently.
 */
export function jointReplicates(
  cells: readonly (readonly Sample[])[],
  statistic: Statistic,
): JointReplicates {
  const requests = cells.map(measuredRequests);
  const paired = measuredInTurn(requests.map(turnsOf));
  const perRound = requests.map(blocksPerRound);
  const blocks = paired ? perRound.map(() => Math.min(...perRound)) : perRound;
  return {
    replicated: requests.map((cell, at) =>
      replicates(cell, statistic, { seed: paired ? SEED : SEED + at, blocks: blocks[at] ?? 1 })
    ),
    blocks: Math.min(...requests.map((cell, at) => blocksInAll(cell, blocks[at] ?? 1))),
    paired,
  };
}

/** The 95 % interval of next / base. Where both are 0, in a resampling or as they are, they are alike: the ratio is 1. */
export function ratioInterval(
  base: readonly Sample[],
  next: readonly Sample[],
  statistic: Statistic,
): RatioInterval {
  const { replicated: [ofBase, ofNext], blocks, paired } = jointReplicates([base, next], statistic);
  const ratios = Float64Array.from(ofNext ?? [], (value, at) => quotient(value, ofBase?.[at] ?? NaN));
  return { value: quotient(statistic(next), statistic(base)), ...intervalOf(ratios, blocks), paired };
}

function quotient(of: number, by: number): number {
  return of === 0 && by === 0 ? 1 : of / by;
}

/**
 * For each candidate (the samples of a cell) the probability that its statistic is the best: the share of joint replicates
 * in which it is, equals sharing. They add up to 1; NaN is the worst.
 */
export function probabilityOfBest(
  candidates: readonly (readonly Sample[])[],
  statistic: Statistic,
  higherIsBetter: boolean,
): number[] {
  const { replicated } = jointReplicates(candidates, statistic);
  const worst = higherIsBetter ? -Infinity : Infinity;
  const wins = candidates.map(() => 0);
  for (let at = 0; at < REPLICATES; at++) {
    const values = replicated.map((values) => Number.isNaN(values[at]) ? worst : values[at] ?? worst);
    const best = higherIsBetter ? Math.max(...values) : Math.min(...values);
    const winners = [...values.keys()].filter((candidate) => values[candidate] === best);
    for (const winner of winners) wins[winner]! += 1 / winners.length;
  }
  return wins.map((count) => count / REPLICATES);
}

/** The rounds have the same numbers, and each was over in all cells before the next began in any; two rounds at least. */
function measuredInTurn(cells: readonly (readonly Turn[])[]): boolean {
  const [first = []] = cells;
  const sameRounds = cells.every((turns) =>
    turns.length === first.length && turns.every(({ round }, at) => round === first[at]?.round)
  );
  return sameRounds && first.length > 1 && first.slice(1).every((_, before) => {
    const over = Math.max(...cells.map((turns) => endOf(turns[before])));
    return over <= Math.min(...cells.map((turns) => turns[before + 1]?.firstIntendedAt ?? NaN));
  });
}

function endOf(turn: Turn | undefined): number {
  return turn ? turn.firstIntendedAt + turn.measuredMs : NaN;
}
