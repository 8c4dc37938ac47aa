import { CheckedCore } from "./oracle/checked_core.ts";
import type { DispatchGroup, Effect, Event, Outcome } from "../../src/core/events.ts";
import type { Millis, SequenceId, Ticket, TokenDelta, WorkerId } from "../../src/core/types.ts";
import type { Agenda } from "./agenda.ts";

export interface ThreadListener {
  dispatch(group: DispatchGroup): void;
  cancel(worker: WorkerId, sequences: readonly SequenceId[]): void;
  delta(delta: TokenDelta): void;
  settle(ticket: Ticket, outcome: Outcome): void;
}

/** The clock of the machine, which may jump; one thread's reading of it may be off. */
export interface Clock {
  offsetMs: Millis;
}

/**
 * The shell of the scheduler thread in virtual time: gives its core one batch of events after the other, carries
 * out the effects, and wakes it when it asked, or later.
 */
export class Thread {
  readonly #batches: Event[][] = [];
  #turnAsked = false;
  #busyUntil: Millis = 0;
  #timer = 0;
  #ended = false;
  turns = 0;

  constructor(
    readonly core: CheckedCore,
    private readonly agenda: Agenda,
    private readonly clock: Clock,
    private readonly options: {
      /** How much too late the next timer fires. */
      readonly lateMs: () => Millis;
      /** What one side said meanwhile goes to the core in one turn. */
      readonly together: boolean;
      readonly listener: ThreadListener;
    },
  ) {}

  get now(): Millis {
    return this.agenda.now + this.clock.offsetMs;
  }

  receive(events: Event[]): void {
    if (this.#ended || events.length === 0) return;
    this.#batches.push(events);
    if (this.agenda.now >= this.#busyUntil && !this.options.together) this.#turn();
    else if (!this.#turnAsked) {
      this.#turnAsked = true;
      this.agenda.after(this.#busyUntil - this.agenda.now, () => this.#turn());
    }
  }

  /** Does nothing for a while. */
  stall(ms: Millis): void {
    this.#busyUntil = this.agenda.now + ms;
  }

  /** Its timers follow the clock. */
  clockChanged(): void {
    this.#setTimer();
  }

  /** Nothing reaches its core any more, and nothing comes of it. */
  end(): void {
    this.#ended = true;
    this.#timer++;
  }

  #turn(): void {
    this.#turnAsked = false;
    if (this.#ended) return;
    let batches = this.#batches.splice(0);
    if (this.options.together) batches = joined(batches);
    for (const events of batches) if (!this.#ended) this.#advance(events);
  }

  #advance(events: readonly Event[]): void {
    this.turns++;
    let timerMoved = false;
    for (const effect of this.core.handle(events, this.now)) {
      if (effect.kind === "wake_at") timerMoved = true;
      else this.#carryOut(effect);
    }
    if (timerMoved) this.#setTimer();
  }

  #carryOut(effect: Exclude<Effect, { kind: "wake_at" }>): void {
    const { listener } = this.options;
    switch (effect.kind) {
      case "dispatch":
        return listener.dispatch(effect.group);
      case "cancel":
        return listener.cancel(effect.worker, effect.sequences);
      case "delta":
        return listener.delta(effect.delta);
      case "settle":
        return listener.settle(effect.ticket, effect.outcome);
      case "warn":
        return;
      default:
        effect satisfies never;
    }
  }

  #setTimer(): void {
    const timer = ++this.#timer;
    const { wakeAt } = this.core;
    if (wakeAt === undefined) return;
    this.agenda.after(wakeAt - this.now + this.options.lateMs(), () => {
      if (timer !== this.#timer) return;
      if (this.now < wakeAt) this.#setTimer(); // the clock went back meanwhile
      else this.receive([{ kind: "wake" }]);
    });
  }
}

/** Batches that follow each other become one, but those of callers and of the worker never share one. */
function joined(batches: readonly Event[][]): Event[][] {
  const groups: Event[][] = [];
  for (const events of batches) {
    const last = groups.at(-1);
    if (last && ofCallers(last) === ofCallers(events)) last.push(...events);
    else groups.push([...events]);
  }
  return groups;
}

function ofCallers([first]: readonly Event[]): boolean {
  return first?.kind === "arrive" || first?.kind === "cancel";
}
