import { tell } from "./progress.ts";

/** One Ctrl-C can arrive twice: from the terminal, and passed on by the process that started us. */
const SAME_MS = 500;
const EXIT_CODE = 130;

/** Ctrl-C or SIGTERM: the first asks the run to end, the second ends it at once (what it started ends with its stdin). */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  #askedAt = NaN;
  readonly #listener = () => {
    if (!this.signal.aborted) this.ask();
    else if (performance.now() - this.#askedAt > SAME_MS) Deno.exit(EXIT_CODE);
  };

  constructor() {
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#listener);
  }

  /** Fires once. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  ask(): void {
    if (this.signal.aborted) return;
    this.#askedAt = performance.now();
    tell("\nStopping, to report what was measured; Ctrl-C once more ends at once.");
    this.#controller.abort();
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#listener);
  }
}
