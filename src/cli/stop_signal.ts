import type { Millis } from "../core/types.ts";

/** One Ctrl-C can arrive twice within this time: from the terminal, and passed on by the process that started us. */
const SAME_MS: Millis = 500;

/** The signals that ask a program to stop: SIGINT or SIGTERM, on Windows Ctrl-C or Ctrl-Break. */
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

export interface StopEvents {
  /** The program was asked to stop for the first time; `why` names another reason than a signal. */
  readonly asked?: (why?: string) => void;
  /** A later signal came: the user does not want to wait. */
  readonly atOnce?: () => void;
}

/** An AbortSignal that fires when the program is asked to stop: by a signal to the process, or by a call of `ask`. */
export class StopSignal implements Disposable {
  readonly #controller = new AbortController();
  #askedAt = 0;

  constructor(private readonly events: StopEvents = {}) {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#listener);
  }

  /** Fires when the program is asked to stop for the first time. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Asks the program to stop; a second call changes nothing. */
  readonly ask = (why?: string): void => {
    if (this.signal.aborted) return;
    this.#askedAt = performance.now();
    this.#controller.abort();
    this.events.asked?.(why);
  };

  /** Resolves when the program is asked to stop. */
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
