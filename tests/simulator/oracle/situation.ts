import type { Millis, SequenceId } from "../../../src/core/types.ts";
import type { CoreLimits } from "../../../src/core/events.ts";
import { type ModeSettings, Patience } from "./laws.ts";
import { Book } from "./tracked.ts";
import { Judge } from "./verdicts.ts";

/** What is known from outside while one turn of the core is checked. */
export class Situation {
  readonly book: Book;
  readonly judge: Judge;
  readonly patience: Patience;
  /** The time as the core must see it: never back; and that of the turn before. */
  now: Millis = -Infinity;
  before: Millis = -Infinity;
  /** The core's last wish that was not fulfilled. */
  wakeAt: Millis | undefined;
  /** The core was woken in this turn. */
  woken = false;
  lastSequence: SequenceId = 0;
  readonly counts = { accepted: 0, settled: 0, refused: 0, retried: 0, dispatches: 0, dispatchedRequests: 0 };
  /** Sequences that the core told the worker to drop in this turn, and those that it had to. */
  readonly toldWorker = new Set<SequenceId>();
  readonly freed = new Set<SequenceId>();

  constructor(settings: ModeSettings, readonly limits: CoreLimits) {
    this.book = new Book(settings);
    this.judge = new Judge(this.book, limits);
    this.patience = new Patience(limits.workerWaitMs);
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
