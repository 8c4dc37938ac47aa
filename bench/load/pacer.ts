import type { Millis } from "../../src/core/types.ts";

/** The thread of the pacer is given this once, at its start. */
export interface Pacing {
  /** Unix milliseconds in rising order. */
  readonly instants: Float64Array;
  /** Two counters that both threads see, at PASSED and HANDLED. */
  readonly shared: Int32Array<SharedArrayBuffer>;
}

/** Index of the counter of instants that have passed. */
export const PASSED = 0;
/** Index of the counter of messages that the main thread has handled. */
export const HANDLED = 1;

const NONE_LEFT = 2 ** 31 - 1;

/**
 * Calls back at given instants, about 0.2 ms after each where the process is not busy. A timer of the event loop comes
 * up to 2 ms late, and to wait by turns of the event loop would take the processor from what is measured; so a thread
 * sleeps in the kernel until the next instant and sends a message.
 */
export class Pacer implements Disposable {
  readonly #shared = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));

  private constructor(private readonly thread: Worker) {}

  static async start(): Promise<Pacer> {
    const thread = new Worker(new URL("pacer_thread.ts", import.meta.url), { type: "module" });
    const { promise: ready, resolve } = Promise.withResolvers<unknown>();
    thread.onmessage = resolve;
    await ready;
    return new Pacer(thread);
  }

  /**
   * From now on calls `pass` when the first of the instants that are left has come; it returns how many are done with
   * in all. Several may have come by then, and it may have been called for none.
   */
  pace(instants: readonly Millis[], pass: () => number): void {
    this.thread.onmessage = () => {
      Atomics.store(this.#shared, PASSED, pass());
      this.#tell();
    };
    const pacing: Pacing = { instants: Float64Array.from(instants), shared: this.#shared };
    this.thread.postMessage(pacing);
  }

  [Symbol.dispose](): void {
    Atomics.store(this.#shared, PASSED, NONE_LEFT);
    this.#tell();
    this.thread.terminate();
  }

  #tell(): void {
    Atomics.add(this.#shared, HANDLED, 1);
    Atomics.notify(this.#shared, HANDLED);
  }
}
