/**
 * Seeded randomness: one independent stream for each purpose, so that a change of one draw leaves all others alone. The
 * distributions are our own, for a library's next version may draw otherwise, and a seed promises the same requests.
 */
// @ts-types="@types/d3-array"
import { bisect, cumsum } from "d3-array";
import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** The stream of a seed and a purpose. Its state is a hash of both, so also seeds that follow each other are unrelated. */
export function randomStream(seed: number, ...purpose: readonly (string | number)[]): RandomGenerator {
  const digest = createHash("sha256").update(JSON.stringify([seed, ...purpose])).digest();
  return xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => digest.readInt32LE(offset)));
}

/** Evenly from above 0 to 1: a number whose logarithm exists. */
export function uniformAboveZero(random: RandomGenerator): number {
  return 1 - uniformFloat64(random);
}

/** Draws an exponential variate of mean 1 by the inverse of its distribution function. */
export function exponential(random: RandomGenerator): number {
  return -Math.log(uniformAboveZero(random));
}

/**
 * A normal variate of mean 0 and standard deviation 1, by Box and Muller's transform (Annals of Mathematical
 * Statistics 29, 1958). The second variate of the pair is not used, so every draw takes as many numbers of the stream.
 */
export function standardNormal(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(uniformAboveZero(random)));
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
}

/**
 * A gamma variate of scale 1, so its mean is its shape: Marsaglia and Tsang, "A simple method for generating gamma
 * variables", ACM Transactions on Mathematical Software 26(3), 2000; shapes below 1 as in its section 6.
 */
export function gamma(shape: number, random: RandomGenerator): number {
  if (shape < 1) return gamma(shape + 1, random) * uniformAboveZero(random) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardNormal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(uniformAboveZero(random)) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Draws from 1, 2, 3, ... with P(more than k) = (1 - 1/mean)^k by the inverse of the distribution function. */
export function geometric(mean: number, random: RandomGenerator): number {
  if (mean <= 1) return 1;
  return Math.max(1, Math.ceil(Math.log(uniformAboveZero(random)) / Math.log1p(-1 / mean)));
}

/** A copy in an order drawn by Fisher and Yates' shuffle. */
export function shuffled<T>(items: readonly T[], random: RandomGenerator): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** Draws items in proportion to their weights. @throws {RangeError} when no item has a weight above 0 */
export function weightedChoice<T extends { readonly weight: number }>(
  items: readonly T[],
  random: RandomGenerator,
): () => T {
  const upTo = cumsum(items, ({ weight }) => weight);
  const sum = upTo.at(-1) ?? 0;
  if (!(sum > 0 && sum < Infinity)) throw new RangeError(`weights must add up to more than 0, got ${sum}`);
  return () => items[bisect(upTo, uniformFloat64(random) * sum)] as T;
}
