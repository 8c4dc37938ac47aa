/**
 * The world around the core for tests: a virtual clock that wakes the core exactly when it asked, and workers
 * that answer, or misbehave, on command. It checks on each effect what must hold whatever happens.
 */
import assert from "node:assert/strict";
import type { Policy } from "../policy/policy.ts";
import {
  type AddressedReply,
  type Answer,
  type DispatchId,
  failedReply,
  type Millis,
  type Submission,
  type Ticket,
  type WorkerFailure,
} from "../types.ts";
import {
  type CoreLimits,
  type DispatchGroup,
  type DispatchResult,
  type Effect,
  type Event,
  type Outcome,
  SchedulerCore,
} from "./core.ts";

export type Fault = "none" | "drop" | "double" | "stray" | "swap";

export class World {
  readonly core: SchedulerCore;
  readonly outcomes = new Map<Ticket, Outcome>();
  /** The calls at the worker, oldest first. */
  running: DispatchGroup[] = [];
  readonly cancelledCalls: DispatchId[] = [];
  now: Millis = 1000;
  lastTicket: Ticket = 0;
  wakeAt: Millis | undefined;
  readonly #submissions = new Map<Ticket, Submission>();
  readonly #cancelled = new Set<Ticket>();
  readonly #dispatched = new Set<Ticket>();
  #lastDispatched: Ticket = 0;

  constructor(policy: Policy, limits: CoreLimits) {
    this.core = new SchedulerCore(policy, limits);
  }

  arrive({ deadlineIn }: { deadlineIn?: Millis } = {}): Ticket {
    this.#handle([this.#arrival(deadlineIn)]);
    return this.lastTicket;
  }

  /** In one tick. */
  arriveTogether(count: number): Ticket[] {
    const arrivals = Array.from({ length: count }, () => this.#arrival());
    this.#handle(arrivals);
    return arrivals.map(({ ticket }) => ticket);
  }

  /** Of a request that has arrived. */
  cancel(ticket: Ticket): void {
    if (ticket > this.lastTicket) return;
    this.#cancelled.add(ticket);
    this.#handle([{ kind: "cancel", ticket }]);
  }

  /** Moves the clock, stopping wherever the core asked to be woken. */
  advance(ms: Millis): void {
    const end = this.now + ms;
    while (this.wakeAt !== undefined && this.wakeAt <= end) {
      this.now = Math.max(this.now, this.wakeAt);
      this.wakeAt = undefined;
      this.#handle([{ kind: "wake" }]);
    }
    this.now = end;
  }

  /** Lets a call come back; `pick` chooses another than the oldest. */
  answerOldest(fault: Fault = "none", pick = 0): void {
    this.#comeBack(pick, (group) => ({ kind: "replies", replies: repliesTo(group, fault) }));
  }

  failOldest(status: WorkerFailure, pick = 0): void {
    this.#comeBack(pick, () => ({ kind: "failed", status, message: "the call broke" }));
  }

  /** Answers all that is out until nothing waits. */
  finish(): void {
    for (let rounds = 0; this.running.length > 0 || this.wakeAt !== undefined; rounds++) {
      assert.ok(rounds < 10_000, "the scheduler never comes to rest");
      if (this.running.length > 0) this.answerOldest();
      else this.advance(this.wakeAt! - this.now);
    }
  }

  answered(ticket: Ticket): Answer {
    const outcome = this.outcomes.get(ticket);
    assert.equal(outcome?.kind, "answered", `request ${ticket} has no answer`);
    return outcome as Answer & { kind: "answered" };
  }

  refused(ticket: Ticket): Extract<Outcome, { kind: "refused" }> {
    const outcome = this.outcomes.get(ticket);
    assert.equal(outcome?.kind, "refused", `request ${ticket} was not refused`);
    return outcome as Extract<Outcome, { kind: "refused" }>;
  }

  runningTickets(): Ticket[] {
    return this.running.flatMap(({ members }) => members.map(({ wireId }) => ticketOf(wireId)));
  }

  oldestWaiting(): Submission | undefined {
    for (const [ticket, submission] of this.#submissions) {
      if (!this.outcomes.has(ticket) && !this.#dispatched.has(ticket)) return submission;
    }
    return undefined;
  }

  #arrival(deadlineIn?: Millis): Extract<Event, { kind: "arrive" }> {
    const ticket = ++this.lastTicket;
    const submission: Submission = {
      requestId: "the same id for all",
      tenantId: "",
      prompt: `prompt ${ticket}`,
      maxTokens: 1,
      receivedAt: this.now,
      ...(deadlineIn !== undefined && { deadline: this.now + deadlineIn }),
    };
    this.#submissions.set(ticket, submission);
    return { kind: "arrive", ticket, submission };
  }

  #comeBack(pick: number, result: (group: DispatchGroup) => DispatchResult): void {
    const group = this.running[pick % Math.max(1, this.running.length)];
    if (!group) return;
    this.running = this.running.filter((other) => other !== group);
    this.#handle([{ kind: "result", dispatch: group.id, result: result(group) }]);
    this.#handle([{ kind: "result", dispatch: group.id, result: result(group) }]); // a second end must not matter
  }

  #handle(events: Event[]): void {
    const effects: Effect[] = [];
    this.core.handle(events, this.now, effects);
    for (const effect of effects) this.#check(effect);
  }

  #check(effect: Effect): void {
    switch (effect.kind) {
      case "dispatch":
        for (const member of effect.group.members) this.#checkDispatched(member.wireId, member.submission);
        this.running.push(effect.group);
        return;
      case "settle":
        assert.ok(!this.outcomes.has(effect.ticket), `request ${effect.ticket} settled twice`);
        this.outcomes.set(effect.ticket, effect.outcome);
        return this.#checkOutcome(effect.ticket, effect.outcome);
      case "cancel_dispatch":
        this.cancelledCalls.push(effect.dispatch);
        this.running = this.running.filter(({ id }) => id !== effect.dispatch);
        return;
      case "wake_at":
        this.wakeAt = effect.time;
        return;
      case "warn":
        return;
      default:
        effect satisfies never;
    }
  }

  #checkDispatched(wireId: string, submission: Submission): void {
    const ticket = ticketOf(wireId);
    assert.equal(submission, this.#submissions.get(ticket), "a request left under another's ticket");
    assert.ok(!this.#cancelled.has(ticket), `request ${ticket} was sent after its cancel`);
    assert.ok(!this.outcomes.has(ticket), `request ${ticket} was sent after it settled`);
    assert.ok(this.now < (submission.deadline ?? Infinity), `request ${ticket} was sent after its deadline`);
    assert.ok(
      ticket > this.#lastDispatched,
      `request ${ticket} was sent after request ${this.#lastDispatched}`,
    );
    this.#lastDispatched = ticket;
    this.#dispatched.add(ticket);
  }

  #checkOutcome(ticket: Ticket, outcome: Outcome): void {
    if (outcome.kind !== "answered") return;
    assert.equal(outcome.dispatch.lateMs, 0, "the core itself is never late on an exact clock");
    if (outcome.reply.status === "ok") assert.equal(outcome.reply.responseText, `answer to prompt ${ticket}`);
  }
}

function ticketOf(wireId: string): Ticket {
  return Number(wireId.split("#").at(-1));
}

function repliesTo({ members }: DispatchGroup, fault: Fault): AddressedReply[] {
  const replies: AddressedReply[] = members.map(({ wireId, submission }) => ({
    ...failedReply("worker_internal_error", ""),
    status: "ok",
    wireId,
    responseText: `answer to ${submission.prompt}`,
  }));
  const [first] = replies;
  if (!first) return replies;
  switch (fault) {
    case "none":
      return replies;
    case "drop":
      return replies.slice(1);
    case "double":
      return [...replies, { ...first, responseText: "of another" }];
    case "stray":
      return [{ ...first, wireId: "nobody's", responseText: "of another" }, ...replies];
    case "swap":
      return replies.reverse();
  }
}
