/** One Ctrl-C can arrive more than once: from the terminal, and passed on by the process that started us. */
const SAME_MS = 500;

/** The wish to stop: SIGINT or SIGTERM (on Windows Ctrl-C or Ctrl-Break), or a call of `ask`. */
export class StopSignals implements Disposable {
  readonly #controller = new AbortController();
  #askedAt = 0;
  readonly #signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  readonly #listener = () => {
    if (!this.signal.aborted) this.ask();
    else if (performance.now() - this.#askedAt > SAME_MS) this.atOnce();
  };

  /** `onAsked` hears of the first wish, `atOnce` of a later signal, which waits for nothing. */
  constructor(private readonly onAsked: (why?: string) => void, private readonly atOnce: () => void) {
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#listener);
  }

  /** Fires at the first wish. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Wishes it without a signal; a second time changes nothing. */
  ask(why?: string): void {
    if (this.signal.aborted) return;
    this.#askedAt = performance.now();
    this.#controller.abort();
    this.onAsked(why);
  }

  /** Resolves at the first wish. */
  asked(): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#listener);
  }
}
