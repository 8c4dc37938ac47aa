import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Millis } from "../../src/core/types.ts";
import { GRAIN_MS } from "./agenda.ts";

/** Everything random in a run; the seed and the name decide all of it. */
export class Random {
  readonly #bits;

  /** Two names give two independent streams of one seed: what one part draws does not change another's luck. */
  constructor(seed: number, name: string) {
    let mixed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) | 0;
    for (let index = 0; index < name.length; index++) {
      mixed = Math.imul(mixed ^ name.charCodeAt(index), 0x01000193);
      mixed ^= mixed >>> 13;
    }
    this.#bits = xoroshiro128plus(mixed);
    for (let warm = 0; warm < 8; warm++) this.#bits.next();
  }

  /** From 0 to before 1. */
  unit(): number {
    return (this.#bits.next() >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.unit() < probability;
  }

  /** Both ends included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.unit() * (max - min + 1));
  }

  pick<const T>(from: readonly T[]): T {
    return from[Math.floor(this.unit() * from.length)]!;
  }

  ms(min: Millis, max: Millis): Millis {
    return Math.round((min + this.unit() * (max - min)) / GRAIN_MS) * GRAIN_MS;
  }

  /** The gaps of a Poisson process. */
  gapMs(mean: Millis): Millis {
    return Math.round(-Math.log(1 - this.unit()) * mean / GRAIN_MS) * GRAIN_MS;
  }
}
