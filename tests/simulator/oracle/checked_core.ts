import type {
  Millis,
  SchedulerStats,
  SequenceId,
  Submission,
  Ticket,
  WorkerId,
} from "../../../src/core/types.ts";
import type { SchedulerCore } from "../../../src/core/core.ts";
import type { CoreLimits, Effect, Event, Outcome } from "../../../src/core/events.ts";
import { checkAnswer, checkDelta, checkEnded, checkTurnedAway } from "./answer_checks.ts";
import { Broken } from "./broken.ts";
import { checkDispatch, ticketOf } from "./dispatch_checks.ts";
import type { CoreSettings } from "../production_core.ts";
import { Situation } from "./situation.ts";
import type { Tracked } from "./tracked.ts";
import { checkStats, checkTimes, checkVerdicts, noteDrainRates } from "./turn_checks.ts";

export type Core = Pick<SchedulerCore, "handle" | "stats">;
/** Hears of each turn of the core, before its effects are checked. */
export type Trace = (now: Millis, events: readonly Event[], effects: readonly Effect[]) => void;

/**
 * A scheduler core under watch: every event it is told and every effect it gives are held against its promises,
 * worked out a second time from the outside. The first promise that breaks is thrown.
 *
 * Tickets arrive in rising order, and no turn has both what callers and what the worker said, as the scheduler
 * thread has it: so the order of effects tells all.
 */
export class CheckedCore {
  readonly #situation: Situation;
  #firstTicket: Ticket | undefined;
  #lastTicket: Ticket = 0;

  constructor(
    private readonly core: Core,
    settings: CoreSettings,
    limits: CoreLimits,
    workers: readonly WorkerId[],
    private readonly trace?: Trace,
  ) {
    this.#situation = new Situation(settings, limits, workers);
  }

  /** Requests that have arrived and not settled. */
  get open(): number {
    return this.#situation.book.size;
  }

  get wakeAt(): Millis | undefined {
    return this.#situation.wakeAt;
  }

  openTickets(): Ticket[] {
    return [...this.#situation.book.tickets()];
  }

  stats(): SchedulerStats {
    return this.core.stats();
  }

  handle(events: readonly Event[], now: Millis): Effect[] {
    const situation = this.#situation;
    checkTurn(events);
    situation.nextTurn(latest(events, now));
    for (const event of events) this.#hear(event);
    const effects: Effect[] = [];
    this.core.handle(events, now, effects);
    this.trace?.(situation.now, events, effects);
    for (const effect of effects) this.#take(effect);
    this.#admitUpTo(Infinity);
    situation.arriving.length = 0;
    noteDrainRates(situation);
    checkVerdicts(situation);
    checkTimes(situation);
    checkStats(situation, this.core.stats());
    return effects;
  }

  /** Once nothing more can happen: everything has settled, and nothing of it is still known. */
  checkRest(now: Millis): void {
    const [open] = this.openTickets();
    if (open !== undefined) throw new Broken("nobody waits for ever", "it has not settled", open);
    const cancels: Event[] = [];
    for (let ticket = this.#firstTicket ?? 1; ticket <= this.#lastTicket; ticket++) {
      cancels.push({ kind: "cancel", ticket });
    }
    const effects: Effect[] = [];
    this.core.handle(cancels, now, effects);
    const [effect] = effects;
    if (effect) {
      throw new Broken(
        "nothing is kept of a settled request",
        `a late cancel gave ${JSON.stringify(effect)}`,
      );
    }
  }

  #hear(event: Event): void {
    const { judge, now } = this.#situation;
    switch (event.kind) {
      case "arrive":
        return this.#hearArrival(event.ticket, event.submission);
      case "wake":
        this.#situation.wakeAt = undefined;
        this.#situation.woken = true;
        return;
      default:
        return judge.hear(event, now);
    }
  }

  #hearArrival(ticket: Ticket, submission: Submission): void {
    if (ticket <= this.#lastTicket) throw new Error(`request ${ticket} arrives after ${this.#lastTicket}`);
    this.#firstTicket ??= ticket;
    this.#lastTicket = ticket;
    const { book, arriving, now } = this.#situation;
    arriving.push(book.track(ticket, submission, now));
  }

  #take(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch":
        for (const { wireId } of effect.group.members) this.#admitUpTo(ticketOf(wireId));
        return checkDispatch(this.#situation, effect.group);
      case "cancel":
        for (const sequence of effect.sequences) this.#takeCancel(effect.worker, sequence);
        return;
      case "delta":
        return checkDelta(this.#situation, effect.delta);
      case "settle":
        return this.#takeSettle(effect.ticket, effect.outcome);
      case "wake_at":
        this.#situation.wakeAt = effect.time;
        return;
      case "warn":
        return;
      default:
        effect satisfies never;
    }
  }

  #takeCancel(worker: WorkerId, sequence: SequenceId): void {
    this.#situation.toldWorker.add(sequence);
    const running = this.#situation.book.findRunning(sequence);
    if (!running || running.worker!.id === worker) return;
    throw new Broken("a cancel goes to the worker that runs the request", `to ${worker}`, running.ticket);
  }

  #takeSettle(ticket: Ticket, outcome: Outcome): void {
    this.#admitUpTo(ticket - 1);
    const [next] = this.#situation.arriving;
    if (next?.ticket === ticket && outcome.kind === "refused" && outcome.code === "resource_exhausted") {
      this.#situation.arriving.shift();
      this.#situation.counts.refused++;
      return checkTurnedAway(this.#situation, next, outcome);
    }
    this.#admitUpTo(ticket);
    const request = this.#situation.book.find(ticket);
    if (!request) throw new Broken("a request settles once", JSON.stringify(outcome), ticket);
    if (outcome.kind === "answered") checkAnswer(this.#situation, request, outcome);
    else checkEnded(this.#situation, request, outcome);
    this.#situation.counts.settled++;
    this.#situation.book.settle(request);
  }

  /** An arrival that is taken shows in no effect of its own; what comes after it shows that it was. */
  #admitUpTo(ticket: Ticket): void {
    const { arriving } = this.#situation;
    while (arriving.length > 0 && arriving[0]!.ticket <= ticket) this.#admit(arriving.shift()!);
  }

  #admit(request: Tracked): void {
    const { book, limits, now, counts } = this.#situation;
    counts.accepted++;
    book.admit(request);
    for (const worker of book.workers) worker.expect(now);
    const { mode, waiting: count, waitingBytes: bytes } = request.lane;
    if (count > limits.queueCapacity || bytes > limits.queueBytes) {
      const detail = `${mode}: ${count} of ${limits.queueCapacity} wait, ` +
        `with ${bytes} of ${limits.queueBytes} bytes`;
      throw new Broken("each mode's queue keeps its limits", detail, request.ticket);
    }
  }
}

/** A request never comes before it was received, whichever thread's clock is behind. */
function latest(events: readonly Event[], now: Millis): Millis {
  for (const event of events) if (event.kind === "arrive") now = Math.max(now, event.submission.receivedAt);
  return now;
}

function checkTurn(events: readonly Event[]): void {
  let callers = false;
  let worker = false;
  for (const { kind } of events) {
    if (kind === "arrive" || kind === "cancel") callers = true;
    else if (kind !== "wake") worker = true;
  }
  if (callers && worker) {
    throw new Error("what callers said and what the worker said go to the core in turns of their own");
  }
}
