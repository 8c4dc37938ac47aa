/** The wish to stop, as an AbortSignal: SIGINT or SIGTERM (on Windows Ctrl-C or Ctrl-Break), or a call of `ask`. */
export class StopSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];

  /** From a terminal one Ctrl-C can arrive twice; a second one changes nothing. */
  readonly ask = () => this.#controller.abort();

  constructor() {
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.ask);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.ask);
  }
}
