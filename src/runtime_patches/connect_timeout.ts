/**
 * grpc-js 1.14.7 waits without limit for the first bytes of HTTP/2 from a peer that accepts connections and says
 * nothing: its channel stays in CONNECTING.
 * No issue is known.
 * Delete when such a channel fails by itself (src/workers/worker_link_test.ts).
 */
import { connectivityState } from "@grpc/grpc-js";
import type { Millis } from "../core/types.ts";

/** Calls `onTimeout` when a channel has been in CONNECTING for too long. */
export class ConnectTimeout implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly timeoutMs: Millis, private readonly onTimeout: () => void) {}

  /** Takes each state that the channel comes to. */
  update(state: connectivityState): void {
    clearTimeout(this.#timer);
    if (state === connectivityState.CONNECTING) this.#timer = setTimeout(this.onTimeout, this.timeoutMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
