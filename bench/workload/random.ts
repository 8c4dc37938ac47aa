/** Seeded randomness: one independent stream for each purpose, so that a change of one draw leaves all others alone. */
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

/** A copy in an order drawn by Fisher and Yates' shuffle. */
export function shuffled<T>(items: readonly T[], random: RandomGenerator): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = uniformInt(random, 0, last);
    [order[last], order[other]] = [order[other] as T, order[last] as T];
  }
  return order;
}

/** Draws items in proportion to their weights; takes one number of the stream a draw. */
export class WeightedChoice<T extends { readonly weight: number }> {
  readonly #items: readonly T[];
  readonly #upTo: readonly number[];

  /** @throws {RangeError} when no item has a weight above 0 */
  constructor(items: readonly T[]) {
    this.#items = items.filter(({ weight }) => weight > 0);
    let sum = 0;
    this.#upTo = this.#items.map(({ weight }) => sum += weight);
    if (!(sum > 0 && sum < Infinity)) throw new RangeError(`weights must add up to more than 0, got ${sum}`);
  }

  draw(random: RandomGenerator): T {
    const at = uniformFloat64(random) * (this.#upTo.at(-1) ?? 0);
    const index = this.#upTo.findIndex((upTo) => at < upTo);
    return this.#items.at(index) as T;
  }
}
