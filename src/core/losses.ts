import { failedReply, type Millis, type WorkerReply } from "./types.ts";
import type { Entry, Lane } from "./lane.ts";

/** Failures after which a request may be sent again: the worker has not answered it. */
const UNANSWERED: ReadonlySet<WorkerReply["status"]> = new Set([
  "worker_unavailable",
  "worker_transport_error",
]);

/** What a request was lost by: the worker turned it back, the call that carried it broke, or the worker is gone. */
export type Loss = "turned_back" | "call_broke" | "worker_gone";

/**
 * What follows from the loss of a worker: who is sent again, and how.
 *
 * Each request that was at a lost worker is a suspect, for any of them may have ended it. Until all suspects have
 * ended, or have begun a stream (which is never sent again), nothing else is sent. They run together once more; after
 * the next loss a suspect runs among at most half as many as it was lost with. So a request that ends its worker is alone
 * with it after about log2(n) + 1 losses, and hurts none but those that it ran with at first. A loss that is shared with
 * others is no try of theirs.
 */
export class Losses {
  readonly #suspects = new Set<Entry>();
  /** Requests that were lost one by one since the last sending: suspects, if the worker turns out to be gone. */
  readonly #lostSingly = new Set<Entry>();
  /** Requests that were at the worker when the first of those that were lost since the last sending was lost. */
  #atWorker = 0;
  #lastSent: Entry | undefined;

  /** `maxAttempts`: how often one request may be sent; 1: never again, whatever ended the worker. */
  constructor(private readonly maxAttempts: number) {}

  /** There are suspects: what runs may keep requests of any lane waiting. */
  get suspects(): boolean {
    return this.#suspects.size > 0;
  }

  /** A request is sent to the worker, where `running` others are. */
  sent(entry: Entry, running: number): void {
    if (this.#lastSent && running > 0) this.#lastSent.alone = false;
    this.#lastSent = entry;
    this.#lostSingly.clear();
    this.#atWorker = 0;
    entry.attempts++;
    entry.tries++;
    entry.alone = running === 0;
  }

  /** Requests are lost, out of `running` that are at the worker. */
  happen(running: number): void {
    this.#atWorker = Math.max(this.#atWorker, running);
  }

  maySendAgain({ run, alone, attempts, tries }: Entry, { status }: WorkerReply, loss: Loss): boolean {
    if (run?.firstTokenAt !== undefined || !UNANSWERED.has(status)) return false;
    if (loss !== "worker_gone") return tries < this.maxAttempts;
    return alone ? attempts < this.maxAttempts : this.maxAttempts > 1;
  }

  /** The reply to a request that is lost and not sent again. */
  lastReply({ run, alone, attempts }: Entry, reply: WorkerReply, loss: Loss): WorkerReply {
    const { errorMessage } = reply;
    if (run?.firstTokenAt !== undefined) {
      return { ...reply, errorMessage: `${errorMessage} after ${run.tokens} tokens of this answer` };
    }
    if (attempts === 1 || !UNANSWERED.has(reply.status)) return reply;
    const message = `${errorMessage}; sent ${attempts} times (WORKER_TRIES)`;
    if (!alone || loss !== "worker_gone") return { ...reply, errorMessage: message };
    const why = "the worker was lost each time, at last with no other request at it";
    return failedReply("worker_runtime_error", `${message}: ${why}`);
  }

  /** The requests go back to their queues. */
  putBack(entries: readonly Entry[], loss: Loss, now: Millis): void {
    for (const entry of entries.toReversed()) { // the last first: each then goes to the very front
      if (loss === "worker_gone") this.#suspect(entry);
      if (loss === "call_broke") this.#lostSingly.add(entry);
      entry.lane.lostPlace(now);
      entry.lane.enqueue(entry);
    }
  }

  /** Makes suspects of those that were lost one by one, as the calls of a worker without sessions are. */
  workerIsGone(): void {
    const waiting = [...this.#lostSingly];
    this.#lostSingly.clear();
    for (const entry of waiting) {
      entry.lane.leaveQueue(entry);
      this.#suspect(entry);
      entry.lane.enqueue(entry);
    }
  }

  /** The request has settled, or has begun a stream; true when it was a suspect, so that others may leave now. */
  forget(entry: Entry): boolean {
    this.#lostSingly.delete(entry);
    if (this.#lastSent === entry) this.#lastSent = undefined;
    entry.mayRunAmong = undefined;
    return this.#suspects.delete(entry);
  }

  /** How many of the first in this lane's queue may be sent now, where `running` requests are at the worker. */
  mayLeave(lane: Lane, running: number): number {
    if (this.#suspects.size === 0) return Infinity;
    let most = Infinity;
    let suspected = 0;
    for (const { run, mayRunAmong } of this.#suspects) {
      if (!run) continue;
      suspected++;
      most = Math.min(most, mayRunAmong!);
    }
    if (suspected < running) return 0; // the others could be lost with a suspect
    let free = 0;
    for (let entry = lane.first; entry?.mayRunAmong !== undefined; entry = entry.next) {
      most = Math.min(most, entry.mayRunAmong);
      if (running + free >= most) break;
      free++;
    }
    return free;
  }

  #suspect(entry: Entry): void {
    const { mayRunAmong } = entry;
    // A worker that ends once was seldom ended by a request: all run together once more.
    entry.mayRunAmong = mayRunAmong === undefined
      ? this.#atWorker
      : Math.ceil(Math.min(this.#atWorker, mayRunAmong) / 2);
    if (!entry.alone) entry.tries--;
    this.#suspects.add(entry);
  }
}
