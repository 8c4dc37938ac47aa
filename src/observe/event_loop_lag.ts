import type { Millis } from "../core/types.ts";

/** How late a thread's event loop comes to its timers: what everything in the thread may have to wait. */
export class EventLoopLag implements Disposable {
  readonly #everyMs: Millis;
  readonly #most: number;
  #lags: Millis[] = [];
  #timer: ReturnType<typeof setTimeout>;

  /**
   * @param options.everyMs From one look to the next. @default 100
   * @param options.most Looks that are remembered, the latest. @default 600
   */
  constructor({ everyMs = 100, most = 600 }: { readonly everyMs?: Millis; readonly most?: number } = {}) {
    this.#everyMs = everyMs;
    this.#most = most;
    this.#timer = this.#lookLater();
  }

  /** The lateness of each look since the last call, oldest first. A loop that stood still was looked at once. */
  take(): Millis[] {
    const lags = this.#lags;
    this.#lags = [];
    return lags;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #lookLater(): ReturnType<typeof setTimeout> {
    const dueAt = performance.now() + this.#everyMs;
    return setTimeout(() => {
      this.#lags.push(Math.max(0, performance.now() - dueAt));
      if (this.#lags.length > this.#most) this.#lags.shift();
      this.#timer = this.#lookLater();
    }, this.#everyMs);
  }
}
