import type { Millis } from "../types.ts";

/** How many answers a mean remembers. */
const MEMORY = 32;
/** A mean that no answer has confirmed for so many times itself says little. */
const STALE = 4;

/** How fast the worker answers while requests wait, and so how long a new one will wait. */
export class DrainRate {
  #since: Millis = 0;
  #began: Millis = 0;
  /** Mean time between two answers. */
  #perRequestMs: Millis | undefined;

  /** The queue, empty before, holds requests from now on. */
  backlogBegan(now: Millis): void {
    this.#since = this.#began = now;
  }

  /**
   * So many were answered while others wait. A row that its caller gives up frees its place as well, but sooner, so it
   * does not count: counted, it would promise most when least is answered in time.
   */
  answered(requests: number, now: Millis): void {
    if (now === this.#began) return; // nobody has waited yet
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
  #meanMs: Millis | undefined;
  #at: Millis = 0;

  /** One answer took so long. */
  took(ms: Millis, now: Millis): void {
    const stale = this.meanMs(now) === undefined;
    this.#meanMs = blend(this.#meanMs, ms, stale ? 1 / 2 : 1 / MEMORY);
    this.#at = now;
  }

  /** Undefined while nothing has been answered, or not lately. */
  meanMs(now: Millis): Millis | undefined {
    return this.#meanMs !== undefined && now - this.#at <= STALE * this.#meanMs ? this.#meanMs : undefined;
  }
}

function blend(mean: Millis | undefined, sample: Millis, weight: number): Millis {
  return mean === undefined ? sample : mean + (sample - mean) * weight;
}
