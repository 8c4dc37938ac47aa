import type { Dispatch, Millis, Mode, Ticket } from "../../core/types.ts";
import { HISTORY_BATCHES, type LiveBatch } from "../../live/feed.ts";
import type { OpenRequest } from "../observer.ts";

interface Batch extends Omit<LiveBatch, "endedAt"> {
  endedAt: Millis | null;
  /** Members that have not ended. */
  running: number;
  /** It left or ended since readers got it last. */
  isNews: boolean;
}

/**
 * The batches that left last, and when the last of their requests ended. Where each request is a batch of
 * its own there are many, so one costs little: those that no reader will get are only overwritten.
 */
export class LiveBatches {
  /** A ring; the next goes to `#next`. */
  readonly #recent: Batch[] = [];
  #next = 0;
  readonly #ofTicket = new Map<Ticket, Batch>();

  /** @param capacityOf The most that a batch of the mode can hold; 0: no limit. */
  constructor(private readonly capacityOf: (mode: Mode) => number) {}

  left({ id, mode, reason, lateMs, at, tickets }: Dispatch, members: readonly OpenRequest[]): void {
    const batch: Batch = {
      id,
      mode,
      reason,
      size: tickets.length,
      capacity: this.capacityOf(mode),
      leftAt: at,
      endedAt: members.length === 0 ? at : null,
      lateMs: hundredths(lateMs),
      waitsMs: members.map(({ submission }) => hundredths(Math.max(0, at - submission.receivedAt))),
      running: members.length,
      isNews: true,
    };
    for (const { ticket } of members) {
      this.ended(ticket, at); // one that is sent again has left its first batch
      this.#ofTicket.set(ticket, batch);
    }
    this.#recent[this.#next] = batch;
    this.#next = (this.#next + 1) % HISTORY_BATCHES;
  }

  ended(ticket: Ticket, at: Millis): void {
    const batch = this.#ofTicket.get(ticket);
    if (!batch) return;
    this.#ofTicket.delete(ticket);
    if (--batch.running > 0) return;
    batch.endedAt = at;
    batch.isNews = true;
  }

  /** Oldest first. */
  recent(): LiveBatch[] {
    return this.#inOrder().map(liveBatch);
  }

  /** Those that left or ended since the last call. */
  takeNews(): LiveBatch[] {
    const news = this.#inOrder().filter(({ isNews }) => isNews);
    for (const batch of news) batch.isNews = false;
    return news.map(liveBatch);
  }

  #inOrder(): Batch[] {
    return [...this.#recent.slice(this.#next), ...this.#recent.slice(0, this.#next)];
  }
}

/** Rounds to what a reader can use, for thousands of times go over the wire. */
export function hundredths(ms: Millis): Millis {
  return Math.round(ms * 100) / 100;
}

function liveBatch({ running: _, isNews: __, ...batch }: Batch): LiveBatch {
  return batch;
}
