/** Figures of a cell's requests with a weight for each, so that resamplings need no copies. */
import type { Millis } from "../../src/core/types.ts";
import type { Sample } from "../record/sample.ts";
import {
  LATENCIES,
  type Latency,
  type LatencyMeasure,
  timeInSystemMs,
  type Turn,
  turnsOf,
} from "./requests.ts";
import type { Weighing, Weights } from "./resampling.ts";
import { percentileOf } from "../../src/percentile.ts";

/** What a latency is computed from: values, and of which request (its place among the requests) each is. */
export interface Values {
  readonly values: Float64Array;
  readonly owners: Uint32Array;
}

/**
 * The values of all requests, `Infinity` among them for what failed. Nothing at all where the cell does not have the
 * figure, for failures alone don't make one: none of the successful requests has a value (TTFT without streaming), or
 * none was successful, the figure is one of streams, and none of the failures was a stream.
 */
export function valuesOf(requests: readonly Sample[], latency: Latency): Values {
  const { of, isOfStreams = false }: LatencyMeasure = LATENCIES[latency];
  const told = requests.map((request) => of(request).filter((value) => value !== undefined));
  const ok = requests.flatMap(({ outcome }, at) => outcome === "ok" ? [at] : []);
  const exists = ok.length > 0
    ? ok.some((at) => told[at]!.length > 0)
    : !isOfStreams || requests.some(({ arrivals }) => arrivals !== null);
  if (!exists) return { values: new Float64Array(), owners: new Uint32Array() };
  return {
    values: Float64Array.from(told.flat()),
    owners: Uint32Array.from(told.flatMap((values, owner) => values.map(() => owner))),
  };
}

/**
 * Mean and percentiles, in the order of `percents`, which ascends: the values are sorted once, a resampling only walks
 * down from the greatest to the lowest percentile.
 */
export function distributionOf(
  { values, owners }: Values,
  requests: number,
  percents: readonly number[],
): Weighing {
  const order = Uint32Array.from(values.keys()).sort((a, b) => compare(values[a]!, values[b]!));
  const sorted = Float64Array.from(order, (at) => values[at]!);
  const owner = Uint32Array.from(order, (at) => owners[at]!);
  const counts = new Uint32Array(requests);
  const sums = new Float64Array(requests);
  values.forEach((value, at) => {
    counts[owners[at]!]! += 1;
    sums[owners[at]!]! += value;
  });
  return (weights) => {
    const count = weighted(counts, weights);
    return [weighted(sums, weights) / count, ...percentilesOf(sorted, owner, weights, count, percents)];
  };
}

/** Percentiles of the sorted values with each written as often as its owner's weight says. */
function percentilesOf(
  sorted: Float64Array,
  owner: Uint32Array,
  weights: Weights,
  count: number,
  percents: readonly number[],
): number[] {
  if (count === 0) return percents.map(() => NaN);
  const ranks = percents.map((percent) => (count - 1) * percent / 100);
  const valueAt = new Map<number, number>();
  let at = sorted.length;
  /** The copies of sorted[at] have the ranks from this one on. */
  let rankOfAt = count;
  for (const rank of ranks.flatMap((rank) => [Math.floor(rank), Math.ceil(rank)]).sort((a, b) => b - a)) {
    while (rankOfAt > rank && at > 0) rankOfAt -= weights[owner[--at]!]!;
    valueAt.set(rank, sorted[at] ?? NaN);
  }
  return percents.map((percent) => percentileOf(count, (rank) => valueAt.get(rank) ?? NaN, percent));
}

/** Sum over the requests; what was not drawn adds nothing, even if it is Infinity. */
function weighted(perRequest: ArrayLike<number>, weights: Weights): number {
  let sum = 0;
  for (let at = 0; at < weights.length; at++) if (weights[at]! > 0) sum += weights[at]! * perRequest[at]!;
  return sum;
}

/**
 * What the successful requests gave, a second of measured time. In the order of ends, each request has the time since the end before
 * it, evened out over as many neighbours as are in the system at once: those of a batch end together, and share the time
 * that it took. Together it is the measured time, so a block of requests carries the time that the system took for them.
 */
export function rateOf(requests: readonly Sample[], of: (request: Sample) => number): Weighing {
  const seconds = turnsOf(requests).flatMap((turn) => sharesMs(turn).map((ms) => ms / 1000));
  const amounts = requests.map((request) => request.outcome === "ok" ? of(request) : 0);
  return (weights) => [weighted(amounts, weights) / weighted(seconds, weights)];
}

/** For each request its share of the turn's measured time. */
function sharesMs({ requests, firstIntendedAt, measuredMs }: Turn): Millis[] {
  const order = [...requests.keys()].sort((a, b) => requests[a]!.endedAt - requests[b]!.endedAt);
  const gaps = order.map((at, place) =>
    requests[at]!.endedAt - (place === 0 ? firstIntendedAt : requests[order[place - 1]!]!.endedAt)
  );
  const inSystem = requests.reduce((sum, request) => sum + timeInSystemMs(request), 0) / measuredMs;
  const evened = movingMeans(gaps, Math.min(gaps.length, Math.max(1, Math.ceil(inSystem || 1))));
  const shares = requests.map(() => 0);
  order.forEach((at, place) => shares[at] = evened[place]!);
  return shares;
}

/** The mean of each value and the next `width` - 1, beyond the end from the start: their sum stays what it was. */
function movingMeans(values: readonly number[], width: number): number[] {
  let sum = values.slice(0, width).reduce((sum, value) => sum + value, 0);
  return values.map((value, at) => {
    const mean = sum / width;
    sum += values[(at + width) % values.length]! - value;
    return mean;
  });
}

/** Of the requests, those that are so. */
export function shareOf(requests: readonly Sample[], is: (request: Sample) => boolean): Weighing {
  const those = requests.map((request) => is(request) ? 1 : 0);
  const ones = requests.map(() => 1);
  return (weights) => [weighted(those, weights) / weighted(ones, weights)];
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
