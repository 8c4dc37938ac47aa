import { modeOf } from "../../core/modes/modes.ts";
import type { Dispatch, Millis, Ticket } from "../../core/types.ts";
import type { LiveBatch } from "./live_types.ts";
import type { OpenRequest } from "../observer.ts";
import { hundredths } from "./words.ts";

interface Batch extends Omit<LiveBatch, "endedAt"> {
  endedAt: Millis | null;
  /** Members that have not ended. */
  running: number;
  /** It left or ended since it was told last. */
  isNews: boolean;
}

/** As many are told. */
const MOST = 60;

/**
 * The batches that left last, and when the last of their requests ended. In direct mode each request is a batch of its
 * own, so one costs little: those that nobody will be told of are only overwritten.
 */
export class LiveBatches {
  /** A ring; the next goes to `#next`. */
  readonly #recent: Batch[] = [];
  #next = 0;
  readonly #ofTicket = new Map<Ticket, Batch>();

  /** @param maxBatchSize MAX_BATCH_SIZE */
  constructor(private readonly maxBatchSize: number) {}

  left({ id, mode, reason, lateMs, at, tickets }: Dispatch, members: readonly OpenRequest[]): void {
    const batch: Batch = {
      id,
      mode,
      reason,
      size: tickets.length,
      capacity: modeOf(mode).isWindowed ? this.maxBatchSize : 0,
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
    this.#next = (this.#next + 1) % MOST;
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
    return this.#inOrder().map(told);
  }

  /** Those that left or ended since the last call. */
  takeNews(): LiveBatch[] {
    const news = this.#inOrder().filter(({ isNews }) => isNews);
    for (const batch of news) batch.isNews = false;
    return news.map(told);
  }

  #inOrder(): Batch[] {
    return [...this.#recent.slice(this.#next), ...this.#recent.slice(0, this.#next)];
  }
}

function told({ running: _, isNews: __, ...batch }: Batch): LiveBatch {
  return batch;
}
