import type { Millis } from "./types.ts";

/** How many answers a mean remembers. */
const MEMORY = 32;
/** A batch may be answered all at once, so the drain rate remembers at least so many of each row. */
const MEMORY_PER_ROW = 8;
/** A mean that no answer has confirmed for so many times itself says little. */
const STALE = 4;

/**
 * How long a place at the worker takes to come free while requests wait for one, by Little's law: the mean time that a
 * row takes, divided by the mean number of rows that run beside each other. Both are ratios of sums in which older
 * answers weigh less. Neither changes with the pattern of the answers: one by one, or a whole batch at one moment.
 */
export class DrainRate {
  /** Rows at the worker while requests wait for a place; undefined while none waits for one. */
  #rows: number | undefined;
  #at: Millis = 0;
  /** Time in which requests waited for a place, and that time multiplied by the rows that ran meanwhile. */
  #waitedMs = 0;
  #rowMs = 0;
  /** Answers of that time, and how long their rows ran. */
  #answers = 0;
  #serviceMs = 0;

  /** Requests wait for a place, as of the last update. */
  get isContended(): boolean {
    return this.#rows !== undefined;
  }

  /** From now on `rows` run while others wait for a place; undefined: none waits for one. */
  update(rows: number | undefined, now: Millis): void {
    this.#advance(now);
    this.#rows = rows;
  }

  /**
   * A row was answered after so long. One that its caller gives up frees its place as well, but sooner, so it does not
   * count: counted, it would promise most when least is answered in time.
   */
  answered(serviceMs: Millis, now: Millis): void {
    if (this.#rows === undefined) return;
    this.#advance(now);
    const kept = 1 - 1 / Math.max(MEMORY, MEMORY_PER_ROW * this.#meanRows());
    this.#waitedMs *= kept;
    this.#rowMs *= kept;
    this.#answers = this.#answers * kept + 1;
    this.#serviceMs = this.#serviceMs * kept + serviceMs;
  }

  /** Expected wait behind so many requests; undefined while nothing has been seen. */
  waitMs(depth: number, now: Millis): Millis | undefined {
    this.#advance(now);
    if (this.#answers === 0 || this.#rowMs === 0) return undefined;
    return depth * this.#serviceMs / this.#answers / this.#meanRows();
  }

  #meanRows(): number {
    return this.#waitedMs === 0 ? this.#rows ?? 0 : this.#rowMs / this.#waitedMs;
  }

  #advance(now: Millis): void {
    if (this.#rows !== undefined) {
      this.#waitedMs += now - this.#at;
      this.#rowMs += this.#rows * (now - this.#at);
    }
    this.#at = now;
  }
}

/** The mean time from dispatch to answer, and the mean number of tokens that it gave. */
export class ServiceTime {
  #mean: { readonly ms: Millis; readonly tokens: number } | undefined;
  #at: Millis = 0;

  /** One answer of so many tokens took so long. */
  took(ms: Millis, tokens: number, now: Millis): void {
    const weight = this.#isStale(now) ? 1 / 2 : 1 / MEMORY;
    const mean = this.#mean ?? { ms, tokens };
    this.#mean = {
      ms: mean.ms + (ms - mean.ms) * weight,
      tokens: mean.tokens + (tokens - mean.tokens) * weight,
    };
    this.#at = now;
  }

  /**
   * Expected time of an answer of at most `maxTokens`: the mean, or a share of it where that is fewer than answers have
   * in the mean. Undefined while nothing has been answered, or not lately.
   */
  estimateMs(maxTokens: number, now: Millis): Millis | undefined {
    if (!this.#mean || this.#isStale(now)) return undefined;
    const { ms, tokens } = this.#mean;
    return maxTokens < tokens ? ms * maxTokens / tokens : ms;
  }

  #isStale(now: Millis): boolean {
    return this.#mean !== undefined && now - this.#at > STALE * this.#mean.ms;
  }
}
