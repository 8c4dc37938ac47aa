import { fifo, type OrderDefinition } from "../../../src/core/order.ts";
import type { Millis, SequenceId, WorkerId } from "../../../src/core/types.ts";
import type { CoreLimits } from "../../../src/core/events.ts";
import type { CoreSettings } from "../production_core.ts";
import { Book, type Tracked } from "./tracked.ts";
import { Judge } from "./verdicts.ts";

/** What is known from outside while one turn of the core is checked. */
export class Situation {
  readonly book: Book;
  readonly judge: Judge;
  /** The time as the core must see it: never back; and that of the turn before. */
  now: Millis = -Infinity;
  before: Millis = -Infinity;
  /** The core's last wish that was not fulfilled. */
  wakeAt: Millis | undefined;
  /** The core was woken in this turn. */
  woken = false;
  /** Arrivals of this turn, oldest first, that are not known yet to be taken or refused. */
  readonly arriving: Tracked[] = [];
  lastSequence: SequenceId = 0;
  readonly counts = { accepted: 0, settled: 0, refused: 0, retried: 0, dispatches: 0, dispatchedRequests: 0 };
  /** Sequences that the core told the worker to drop in this turn, and those that it had to. */
  readonly toldWorker = new Set<SequenceId>();
  readonly freed = new Set<SequenceId>();

  constructor(
    settings: CoreSettings,
    readonly limits: CoreLimits,
    workers: readonly WorkerId[],
    order: OrderDefinition = fifo,
  ) {
    this.book = new Book(settings, order, workers, limits.workerWaitMs);
    this.judge = new Judge(this.book, limits);
  }

  /** At `now`, by whichever of the threads' clocks is ahead. */
  nextTurn(now: Millis): void {
    this.judge.clear();
    this.woken = false;
    this.toldWorker.clear();
    this.freed.clear();
    this.before = this.now;
    this.now = Math.max(this.now, now);
  }
}
