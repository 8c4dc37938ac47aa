import type { Sample } from "../record/sample.ts";
import { blocksInAll, blocksPerRound, drawWeights, FEWEST_BLOCKS, type Weights } from "./blocks.ts";
import { expandedTail } from "./expanded_tail.ts";
import { percentile } from "../../src/percentile.ts";
import { measuredRequests, type Turn, turnsOf } from "./requests.ts";

/** A figure of a cell: of its samples as they are, or of any resampling of them. */
export interface Statistic {
  /** Of the samples that are measured and ended. NaN: there is nothing to compute it from. */
  (samples: readonly Sample[]): number;
  /** For requests in the order of `measuredRequests`: the figure as if each were there as often as its weight says. */
  readonly resampled: (requests: readonly Sample[]) => (weights: Weights) => number;
}

export interface Resampling {
  /** @default 1000 */
  readonly count?: number;
  /** The same seed draws the same blocks. @default 1 */
  readonly seed?: number;
  /** @default what `blocksPerRound` says of the samples */
  readonly blocks?: number;
}

export interface Interval {
  /** NaN: the samples don't bound it. */
  readonly low: number;
  /** Infinity: nothing bounds it, or it falls on requests that failed. NaN: the samples don't bound it. */
  readonly high: number;
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
  const of = statistic.resampled(requests);
  const values = new Float64Array(count);
  let at = 0;
  for (const weights of drawWeights(requests, blocks ?? blocksPerRound(requests), { count, seed })) {
    values[at++] = of(weights);
  }
  return values;
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
