import type { Millis } from "../core/types.ts";

/** One Ctrl-C can arrive more than once: from the terminal, and passed on by the process that started us. */
const SAME_MS: Millis = 500;

/** The signals that ask a program to stop: SIGINT or SIGTERM, on Windows Ctrl-C or Ctrl-Break. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

export interface StopEvents {
  /** The first wish came. */
  readonly asked?: (why?: string) => void;
  /** A later signal came, from somebody who won't wait. */
  readonly atOnce?: () => void;
}

/** The wish to stop as an AbortSignal: a signal to the process, or a call of `ask`. */
export class StopSignal implements Disposable {
  readonly #controller = new AbortController();
  #askedAt = 0;

  constructor(private readonly events: StopEvents = {}) {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#listener);
  }

  /** Fires at the first wish. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Wishes it without a signal; a second time changes nothing. */
  readonly ask = (why?: string): void => {
    if (this.signal.aborted) return;
    this.#askedAt = performance.now();
    this.#controller.abort();
    this.events.asked?.(why);
  };

  /** Resolves at the first wish. */
  asked(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#listener);
  }

  readonly #listener = () => {
    if (!this.signal.aborted) this.ask();
    else if (performance.now() - this.#askedAt > SAME_MS) this.events.atOnce?.();
  };
}
