/** What one second of the engine had, in numbers that can be added up. */
export interface Second {
  arrived: number;
  ended: number;
  failed: number;
  /** Those of `failed` that the engine or its worker failed, not their callers. */
  troubled: number;
  batches: number;
  batchedRequests: number;
  /** Batches that a window gathered: all, those that left full, and those with one request after the whole window. */
  windowBatches: number;
  windowRequests: number;
  fullBatches: number;
  aloneBatches: number;
  /** Answered requests that a window gathered: how many, what they waited for others, and their TTFT. */
  waiters: number;
  waitedMs: number;
  firstTokenMs: number;
  /** Those of these requests that left alone after the whole window. */
  aloneWaiters: number;
  aloneWaitedMs: number;
}

const SECONDS = 60;

/** The last 60 seconds, the present one included. */
export class LastMinute {
  readonly #seconds: Second[] = [emptySecond()];

  /** The present one; its numbers move. */
  get present(): Second {
    return this.#seconds.at(-1)!;
  }

  advance(): void {
    this.#seconds.push(emptySecond());
    if (this.#seconds.length > SECONDS) this.#seconds.shift();
  }

  /** All numbers of the last seconds, added up. */
  sum(seconds: number = SECONDS): Readonly<Second> {
    const sum = emptySecond();
    for (const second of this.#seconds.slice(-seconds)) {
      for (const name of NAMES) sum[name] += second[name];
    }
    return sum;
  }
}

function emptySecond(): Second {
  return {
    arrived: 0,
    ended: 0,
    failed: 0,
    troubled: 0,
    batches: 0,
    batchedRequests: 0,
    windowBatches: 0,
    windowRequests: 0,
    fullBatches: 0,
    aloneBatches: 0,
    waiters: 0,
    waitedMs: 0,
    firstTokenMs: 0,
    aloneWaiters: 0,
    aloneWaitedMs: 0,
  };
}

const NAMES = Object.keys(emptySecond()) as (keyof Second)[];
