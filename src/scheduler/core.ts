import type { ErrorCode } from "../errors.ts";
import type { Policy } from "../policy/policy.ts";
import {
  type AddressedReply,
  type Answer,
  type DispatchId,
  type DispatchRecord,
  failedReply,
  type Millis,
  type SchedulerStats,
  type Submission,
  type Ticket,
  type WorkerFailure,
  type WorkerReply,
} from "../types.ts";
import { correlate, wireId } from "./correlate.ts";
import { Deadlines } from "./deadlines.ts";
import { FifoQueue, type Queueable } from "./queue.ts";

/** Everything that can happen to the scheduler. */
export type Event =
  | { readonly kind: "arrive"; readonly ticket: Ticket; readonly submission: Submission }
  | { readonly kind: "cancel"; readonly ticket: Ticket }
  /** The time asked for by `wake_at` has come. */
  | { readonly kind: "wake" }
  | { readonly kind: "result"; readonly dispatch: DispatchId; readonly result: DispatchResult };

/** How a call to the worker ended. */
export type DispatchResult =
  | { readonly kind: "replies"; readonly replies: readonly AddressedReply[] }
  | { readonly kind: "failed"; readonly status: WorkerFailure; readonly message: string };

/** Everything the shell may have to do. */
export type Effect =
  | { readonly kind: "dispatch"; readonly group: DispatchGroup }
  /** Nobody waits for this call any more. */
  | { readonly kind: "cancel_dispatch"; readonly dispatch: DispatchId }
  | { readonly kind: "settle"; readonly ticket: Ticket; readonly outcome: Outcome }
  | { readonly kind: "wake_at"; readonly time: Millis | undefined }
  /** The worker broke the contract; the callers are safe, the operator should know. */
  | { readonly kind: "warn"; readonly dispatch: DispatchId; readonly message: string };

export interface DispatchGroup {
  readonly id: DispatchId;
  readonly members: readonly DispatchMember[];
  /** After this long nobody waits for the call. */
  readonly timeoutMs: Millis;
}

export interface DispatchMember {
  readonly wireId: string;
  readonly submission: Submission;
  /** What is left of the caller's deadline. */
  readonly remainingMs: Millis | undefined;
}

/** The one end of a request. */
export type Outcome =
  | ({ readonly kind: "answered" } & Answer)
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string };

export interface CoreLimits {
  /** Requests that may wait. */
  readonly queueCapacity: number;
  /** How long one call to the worker may take. */
  readonly workerTimeoutMs: Millis;
}

interface Entry extends Queueable<Entry> {
  readonly ticket: Ticket;
  readonly submission: Submission;
  /** Undefined while it waits. */
  dispatch: Dispatch | undefined;
  queueWaitMs: Millis;
}

interface Dispatch {
  readonly id: DispatchId;
  readonly record: Omit<DispatchRecord, "queueWaitMs">;
  /** By wire id; settled members are gone. */
  readonly members: Map<string, Entry>;
  readonly sent: readonly string[];
}

/**
 * The scheduler as a state machine: events and the time in, effects out; no clock, no randomness, no I/O.
 *
 * Promises: every ticket that arrives is settled exactly once. A ticket is not dispatched after its cancel or
 * its deadline. Waiting requests never exceed `queueCapacity`, and leave in the order of their arrival.
 * Whatever the worker sends, a ticket gets its own reply or a failure. Nothing is kept of a settled request.
 */
export class SchedulerCore {
  readonly #queue = new FifoQueue<Entry>();
  readonly #entries = new Map<Ticket, Entry>();
  readonly #dispatches = new Map<DispatchId, Dispatch>();
  readonly #deadlines = new Deadlines();
  readonly #timeouts = new Deadlines();
  #lastDispatch: DispatchId = 0;
  /** The policy held back waiting requests until a group comes back. */
  #heldBack = false;
  /** When a group last came back, and when one last did that waiting requests were held back for. */
  #returnedAt: Millis = 0;
  #releasedAt: Millis = 0;
  #wakeAt: Millis | undefined;
  #accepted = 0;
  #settled = 0;
  #refused = 0;
  #dispatchedRequests = 0;

  constructor(private readonly policy: Policy, private readonly limits: CoreLimits) {}

  /** Takes in what happened up to `now`, in this order, then lets the policy decide once. `now` must not step back. */
  handle(events: readonly Event[], now: Millis, effects: Effect[]): void {
    this.#expire(now, effects);
    for (const event of events) this.#apply(event, now, effects);
    this.#dispatchDue(now, effects);
  }

  stats(): SchedulerStats {
    return {
      accepted: this.#accepted,
      settled: this.#settled,
      refused: this.#refused,
      queueDepth: this.#queue.length,
      inFlight: this.#entries.size - this.#queue.length,
      dispatches: this.#lastDispatch,
      dispatchedRequests: this.#dispatchedRequests,
    };
  }

  #apply(event: Event, now: Millis, effects: Effect[]): void {
    switch (event.kind) {
      case "arrive":
        return this.#arrive(event.ticket, event.submission, now, effects);
      case "cancel":
        return this.#end(event.ticket, "cancelled", "the caller cancelled", now, effects);
      case "wake":
        this.#wakeAt = undefined;
        return;
      case "result":
        return this.#finish(event.dispatch, event.result, now, effects);
      default:
        event satisfies never;
        throw new Error(`the scheduler was told of an unknown event ${JSON.stringify(event)}`);
    }
  }

  #arrive(ticket: Ticket, submission: Submission, now: Millis, effects: Effect[]): void {
    const { queueCapacity } = this.limits;
    if (this.#queue.length >= queueCapacity) this.#dispatchDue(now, effects);
    if (this.#queue.length >= queueCapacity) {
      this.#refused++;
      const message =
        `the queue is full: ${this.#queue.length} requests wait, QUEUE_CAPACITY is ${queueCapacity}`;
      effects.push({
        kind: "settle",
        ticket,
        outcome: { kind: "refused", code: "resource_exhausted", message },
      });
      return;
    }
    const entry: Entry = {
      ticket,
      submission,
      dispatch: undefined,
      queueWaitMs: 0,
      previous: undefined,
      next: undefined,
    };
    this.#accepted++;
    this.#entries.set(ticket, entry);
    this.#queue.push(entry);
    if (submission.deadline === undefined) return;
    this.#deadlines.set(ticket, submission.deadline);
    if (submission.deadline <= now) this.#expire(now, effects);
  }

  #expire(now: Millis, effects: Effect[]): void {
    for (
      let ticket = this.#deadlines.popDue(now);
      ticket !== undefined;
      ticket = this.#deadlines.popDue(now)
    ) {
      this.#end(ticket, "deadline_exceeded", "the caller's deadline passed", now, effects);
    }
    for (let id = this.#timeouts.popDue(now); id !== undefined; id = this.#timeouts.popDue(now)) {
      effects.push({ kind: "cancel_dispatch", dispatch: id });
      const message =
        `the worker did not answer within ${this.limits.workerTimeoutMs} ms (WORKER_RPC_TIMEOUT_MS)`;
      this.#finish(id, { kind: "failed", status: "worker_timeout", message }, now, effects);
    }
  }

  /** Ends a request that its caller no longer waits for; unknown tickets have settled already. */
  #end(ticket: Ticket, code: ErrorCode, message: string, now: Millis, effects: Effect[]): void {
    const entry = this.#entries.get(ticket);
    if (!entry) return;
    const { dispatch } = entry;
    if (!dispatch) {
      this.#queue.remove(entry);
    } else {
      dispatch.members.delete(wireId(entry.submission.requestId, ticket));
      if (dispatch.members.size === 0) {
        effects.push({ kind: "cancel_dispatch", dispatch: dispatch.id });
        this.#release(dispatch, now);
      }
    }
    this.#settle(entry, { kind: "refused", code, message }, effects);
  }

  #finish(id: DispatchId, result: DispatchResult, now: Millis, effects: Effect[]): void {
    const dispatch = this.#dispatches.get(id);
    if (!dispatch) return; // timed out or cancelled before it came back
    this.#release(dispatch, now);
    const reply = replyFinder(dispatch, result, effects);
    for (const [id, entry] of dispatch.members) {
      const record = { ...dispatch.record, queueWaitMs: entry.queueWaitMs };
      this.#settle(entry, { kind: "answered", reply: reply(id), dispatch: record }, effects);
    }
  }

  #release(dispatch: Dispatch, now: Millis): void {
    this.#dispatches.delete(dispatch.id);
    this.#timeouts.delete(dispatch.id);
    this.#returnedAt = now;
    if (this.#heldBack) this.#releasedAt = now;
  }

  #settle(entry: Entry, outcome: Outcome, effects: Effect[]): void {
    this.#entries.delete(entry.ticket);
    this.#deadlines.delete(entry.ticket);
    this.#settled++;
    effects.push({ kind: "settle", ticket: entry.ticket, outcome });
  }

  #dispatchDue(now: Millis, effects: Effect[]): void {
    let wakeAt: Millis | undefined;
    this.#heldBack = false;
    for (let oldest = this.#queue.first; oldest; oldest = this.#queue.first) {
      const decision = this.policy.decide(
        {
          depth: this.#queue.length,
          oldestReceivedAt: oldest.submission.receivedAt,
          dispatchesInFlight: this.#dispatches.size,
        },
        now,
      );
      if (decision.kind === "dispatch") {
        this.#dispatch(decision.take, decision.reason, decision.dueAt, now, effects);
        continue;
      }
      if (decision.kind === "wait") wakeAt = decision.until;
      else this.#heldBack = true;
      break;
    }
    this.#askToWake(earliest(wakeAt, this.#deadlines.next(), this.#timeouts.next()), effects);
  }

  #dispatch(
    take: number,
    reason: DispatchRecord["reason"],
    dueAt: Millis | undefined,
    now: Millis,
    effects: Effect[],
  ) {
    const id = ++this.#lastDispatch;
    const members = new Map<string, Entry>();
    const group: DispatchMember[] = [];
    let lastReceivedAt = 0;
    for (
      let entry = this.#queue.shift();
      entry;
      entry = group.length < take ? this.#queue.shift() : undefined
    ) {
      const { submission } = entry;
      const id = wireId(submission.requestId, entry.ticket);
      const remainingMs = submission.deadline === undefined ? undefined : submission.deadline - now;
      entry.queueWaitMs = now - submission.receivedAt;
      members.set(id, entry);
      group.push({ wireId: id, submission, remainingMs });
      lastReceivedAt = submission.receivedAt;
    }
    const workerFreeAt = reason === "idle" ? this.#returnedAt : this.#releasedAt;
    const lateMs = Math.max(0, now - Math.max(dueAt ?? lastReceivedAt, workerFreeAt));
    const dispatch: Dispatch = {
      id,
      record: { id, size: group.length, reason, lateMs },
      members,
      sent: [...members.keys()],
    };
    for (const entry of members.values()) entry.dispatch = dispatch;
    this.#dispatches.set(id, dispatch);
    this.#dispatchedRequests += group.length;
    this.#timeouts.set(id, now + this.limits.workerTimeoutMs);
    effects.push({ kind: "dispatch", group: { id, members: group, timeoutMs: this.#patience(group) } });
  }

  /** How long the most patient member still waits, at most the worker's time-out. */
  #patience(group: readonly DispatchMember[]): Millis {
    const longest = Math.max(...group.map((member) => member.remainingMs ?? Infinity));
    return Math.min(longest, this.limits.workerTimeoutMs);
  }

  #askToWake(time: Millis | undefined, effects: Effect[]): void {
    if (time === this.#wakeAt) return;
    this.#wakeAt = time;
    effects.push({ kind: "wake_at", time });
  }
}

function replyFinder(
  dispatch: Dispatch,
  result: DispatchResult,
  effects: Effect[],
): (wireId: string) => WorkerReply {
  if (result.kind === "failed") {
    const reply = failedReply(result.status, result.message);
    return () => reply;
  }
  const { replyTo, unknown } = correlate(dispatch.sent, result.replies);
  if (unknown > 0) {
    const message = `the worker sent ${unknown} replies to requests that were not in the group`;
    effects.push({ kind: "warn", dispatch: dispatch.id, message });
  }
  return replyTo;
}

function earliest(...times: (Millis | undefined)[]): Millis | undefined {
  let first: Millis | undefined;
  for (const time of times) if (time !== undefined && (first === undefined || time < first)) first = time;
  return first;
}
