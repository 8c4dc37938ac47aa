import type { Millis } from "../types.ts";

/** How many departures the mean remembers. */
const MEMORY = 32;

/** How fast the queue empties while requests wait in it, and so how long a new one will wait. */
export class DrainRate {
  #since: Millis = 0;
  #began: Millis = 0;
  /** Mean time between two departures. */
  #perRequestMs: Millis | undefined;

  /** The queue, empty before, holds requests from now on. */
  backlogBegan(now: Millis): void {
    this.#since = this.#began = now;
  }

  /** So many left the queue for the worker. */
  left(requests: number, now: Millis): void {
    if (now === this.#began) return; // they went straight through: nobody waited, which tells nothing
    const sample = (now - this.#since) / requests;
    this.#since = now;
    this.#perRequestMs = blend(this.#perRequestMs, sample, Math.min(1, requests / MEMORY));
  }

  /** Expected wait behind so many requests; undefined while nothing has been seen. */
  waitMs(depth: number): Millis | undefined {
    return this.#perRequestMs === undefined ? undefined : depth * this.#perRequestMs;
  }
}

/** The mean time from dispatch to answer. */
export class ServiceTime {
  #mean: Millis | undefined;

  took(ms: Millis): void {
    this.#mean = blend(this.#mean, ms, 1 / MEMORY);
  }

  get meanMs(): Millis | undefined {
    return this.#mean;
  }
}

function blend(mean: Millis | undefined, sample: Millis, weight: number): Millis {
  return mean === undefined ? sample : mean + (sample - mean) * weight;
}
