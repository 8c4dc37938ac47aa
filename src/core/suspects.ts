import type { Entry } from "./run.ts";
import { failedReply, type WorkerReply } from "./types.ts";
import { type Place, route, type Workers } from "./workers.ts";

/** Failures after which a request may be sent again: the worker has not answered it. */
const UNANSWERED: ReadonlySet<WorkerReply["status"]> = new Set([
  "worker_unavailable",
  "worker_transport_error",
]);

/** What a request was lost by: the worker turned it back, the call that carried it broke, or the worker is gone. */
export type Loss = "turned_back" | "call_broke" | "worker_gone";

/**
 * Decides what follows from the loss of a worker: who is sent again, and how.
 *
 * Each request that was at a lost worker is a suspect, for any of them may have ended it. Until all suspects have
 * ended, or have begun a stream (which is never sent again), one worker is set aside for them: nothing else is sent to
 * it, and they are sent to no other. They run together once more; after the next loss a suspect runs among at most
 * half as many as it was lost with. So a request that ends its worker is alone with it after about log2(n) + 1 losses,
 * and hurts none but those that it ran with at first. A loss that is shared with others is no try of theirs.
 */
export class Suspects {
  readonly #open = new Set<Entry>();

  /** `maxAttempts`: how often one request may be sent; 1: never again, whatever ended the worker. */
  constructor(private readonly maxAttempts: number, private readonly workers: Workers) {}

  get areOpen(): boolean {
    return this.#open.size > 0;
  }

  /** The worker that is set aside: where suspects run, else the one that is empty first; undefined when there is none. */
  get worker(): Place | undefined {
    if (this.#open.size === 0) return undefined;
    for (const { run } of this.#open) if (run) return this.workers.at(run.worker);
    const up = this.workers.all.filter(({ isUp }) => isUp);
    return up.length > 0 ? route(up) : undefined;
  }

  /** How many of the suspects that wait in one queue may be sent now to the worker that is set aside for them. */
  mayLeave(waiting: Iterable<Entry>, place: Place): number {
    let most = Infinity;
    let suspected = 0;
    for (const { run, mayRunAmong } of this.#open) {
      if (!run) continue;
      suspected++;
      most = Math.min(most, mayRunAmong!);
    }
    if (suspected < place.running) return 0; // the others could be lost with a suspect
    let free = 0;
    for (const { mayRunAmong } of waiting) {
      most = Math.min(most, mayRunAmong!);
      if (place.running + free >= most) break;
      free++;
    }
    return free;
  }

  /** Takes note that a request is sent to the worker, where `running` others are. */
  recordSending(entry: Entry, place: Place, running: number): void {
    if (place.lastSent && running > 0) place.lastSent.wasAlone = false;
    place.lastSent = entry;
    place.lostSingly.clear();
    for (const { lostSingly } of this.workers.all) lostSingly.delete(entry); // it may have been lost elsewhere
    place.runningAtLoss = 0;
    entry.attempts++;
    entry.tries++;
    entry.wasAlone = running === 0;
  }

  maySendAgain({ run, wasAlone, attempts, tries }: Entry, { status }: WorkerReply, loss: Loss): boolean {
    if (run?.firstTokenAt !== undefined || !UNANSWERED.has(status)) return false;
    if (loss !== "worker_gone") return tries < this.maxAttempts;
    return wasAlone ? attempts < this.maxAttempts : this.maxAttempts > 1;
  }

  /** The reply to a request that is lost and not sent again. */
  lastReply({ run, wasAlone, attempts }: Entry, reply: WorkerReply, loss: Loss): WorkerReply {
    const { errorMessage } = reply;
    if (run?.firstTokenAt !== undefined) {
      return { ...reply, errorMessage: `${errorMessage} after ${run.tokens} tokens of this answer` };
    }
    if (attempts === 1 || !UNANSWERED.has(reply.status)) return reply;
    const message = `${errorMessage}; sent ${attempts} times (WORKER_TRIES)`;
    if (!wasAlone || loss !== "worker_gone") return { ...reply, errorMessage: message };
    const why = "the worker was lost each time, at last with no other request at it";
    return failedReply("worker_runtime_error", `${message}: ${why}`);
  }

  /** Takes note of what a request that is to be sent again was lost by, before it goes back to its queue. */
  recordLoss(entry: Entry, place: Place, loss: Loss): void {
    if (loss === "worker_gone") this.suspect(entry, place);
    if (loss === "call_broke") place.lostSingly.add(entry);
  }

  suspect(entry: Entry, { runningAtLoss }: Place): void {
    const { mayRunAmong } = entry;
    // A worker that ends once was seldom ended by a request: all run together once more.
    entry.mayRunAmong = mayRunAmong === undefined
      ? runningAtLoss
      : Math.ceil(Math.min(runningAtLoss, mayRunAmong) / 2);
    if (!entry.wasAlone) entry.tries--;
    this.#open.add(entry);
  }

  /** Forgets a request that has settled, or has begun a stream; true when it was a suspect, so that others may leave now. */
  acquit(entry: Entry): boolean {
    for (const place of this.workers.all) {
      place.lostSingly.delete(entry);
      if (place.lastSent === entry) place.lastSent = undefined;
    }
    if (!this.#open.delete(entry)) return false;
    entry.mayRunAmong = undefined;
    return true;
  }
}
