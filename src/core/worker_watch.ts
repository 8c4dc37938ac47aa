import type { Millis, WorkerState } from "./types.ts";

/** Whether requests may go to the worker, and until when they wait for one that can't take them. */
export class WorkerWatch {
  #state: WorkerState | "connecting" = "connecting";
  #detail = "not connected yet";
  #maxRows: number | undefined;
  /** When those that wait are told that no worker is there; undefined while one is, or nobody has asked. */
  #giveUpAt: Millis | undefined;

  /** `waitMs`: how long a worker that was lost may take to come back. */
  constructor(private readonly waitMs: Millis) {}

  get takesRequests(): boolean {
    return this.#state === "up";
  }

  /** The connection to it is lost. */
  get isGone(): boolean {
    return this.#state === "down";
  }

  get giveUpAt(): Millis | undefined {
    return this.#giveUpAt;
  }

  /** Why there is no worker. */
  get detail(): string {
    return this.#detail;
  }

  /** Requests that the worker runs at once, where it tells. */
  get maxRows(): number | undefined {
    return this.#maxRows;
  }

  told(state: WorkerState, detail: string, now: Millis, maxRows?: number): void {
    if (state === "up") this.#giveUpAt = undefined;
    else if (this.#state === "connecting" && state === "down") this.#giveUpAt = now; // there never was one
    else this.#giveUpAt ??= now + this.waitMs;
    this.#state = state;
    this.#detail = detail;
    if (state === "up") this.#maxRows = maxRows;
  }

  /** A request waits for it. */
  wanted(now: Millis): void {
    if (this.#state === "connecting") this.#giveUpAt ??= now + this.waitMs;
  }

  givesUp(now: Millis): boolean {
    return this.#giveUpAt !== undefined && this.#giveUpAt <= now;
  }
}
