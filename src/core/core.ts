import type { ErrorCode } from "./errors.ts";
import type { Policy } from "./modes/policy.ts";
import {
  type DispatchId,
  type DispatchNotice,
  failedReply,
  type Millis,
  type Mode,
  type SchedulerStats,
  type SequenceId,
  type Submission,
  type Ticket,
  type WorkerDelta,
  type WorkerReply,
  type WorkerResult,
} from "./types.ts";
import { checkedReply } from "./checked_reply.ts";
import { Deadlines } from "./deadlines.ts";
import type { CoreLimits, DispatchMember, Effect, Event, Outcome } from "./events.ts";
import { type Departure, type Entry, Lane } from "./lane.ts";
import { type Loss, Losses } from "./losses.ts";
import { phases } from "./phases.ts";
import type { Group, Run } from "./run.ts";
import { wireId } from "./wire_id.ts";
import { WorkerWatch } from "./worker_watch.ts";

/**
 * The scheduler as a state machine: events and the time in, effects out; no clock, no randomness, no I/O.
 *
 * Promises: every ticket that arrives is settled exactly once, after its last delta. A ticket is not dispatched
 * after its cancel or its deadline. Waiting requests of one mode leave in the order of their arrival, and one that
 * arrives is refused rather than let its mode's queue grow beyond its limits. Whatever the worker sends, a ticket gets its
 * own tokens and reply, all of them and in order, or a failure. A request none of whose tokens has reached its caller
 * survives the loss of a worker. Nothing is kept of a settled request.
 */
export class SchedulerCore {
  /** The engine's own first; another is made for the first request that asks for its mode. */
  readonly #lanes: Lane[];
  readonly #entries = new Map<Ticket, Entry>();
  readonly #running = new Map<SequenceId, Entry & { run: Run }>();
  readonly #deadlines = new Deadlines();
  readonly #timeouts = new Deadlines();
  readonly #worker: WorkerWatch;
  readonly #losses: Losses;
  #now: Millis = 0;
  /** Places were freed since the lanes were last asked. */
  #hasFreedPlaces = false;
  /** When the worker last gave something to any row, or showed that its runtime works. */
  #workerProgressAt: Millis = 0;
  #lastSequence: SequenceId = 0;
  #lastDispatch: DispatchId = 0;
  #wakeAt: Millis | undefined;
  #accepted = 0;
  #settled = 0;
  #refused = 0;
  #retried = 0;
  #dispatchedRequests = 0;

  /** `mode` is the engine's: that of the requests which ask for none. */
  constructor(
    mode: Mode,
    private readonly policyOf: (mode: Mode) => Policy,
    private readonly limits: CoreLimits,
  ) {
    this.#lanes = [new Lane(mode, policyOf(mode), limits)];
    this.#worker = new WorkerWatch(limits.workerWaitMs);
    this.#losses = new Losses(limits.maxAttempts);
  }

  /** Takes in what happened up to `now`, in this order, then lets the policies decide once. Time never steps back in here. */
  handle(events: readonly Event[], now: Millis, effects: Effect[]): void {
    this.#now = Math.max(this.#now, now);
    for (const event of events) {
      // The clocks of two threads differ by a little; a request never comes before it was received.
      if (event.kind === "arrive") this.#now = Math.max(this.#now, event.submission.receivedAt);
    }
    this.#expire(effects);
    for (const event of events) this.#apply(event, effects);
    if (events.some(({ kind }) => kind === "wake")) this.#timeOutSilent(effects);
    do { // again when a suspect that is given up kept an earlier lane waiting
      this.#hasFreedPlaces = false;
      for (const lane of this.#lanes) this.#letGo(lane, effects);
    } while (this.#hasFreedPlaces);
    // While suspects are tried, answers tell nothing of how fast the worker is.
    if (this.#losses.suspects) {
      for (const { admission } of this.#lanes) admission.update(undefined, this.#now);
    }
    this.#askToWake(effects);
  }

  stats(): SchedulerStats {
    let queueDepth = 0;
    let fullestQueue = 0;
    let queuedBytes = 0;
    for (const { admission } of this.#lanes) {
      queueDepth += admission.requests;
      fullestQueue = Math.max(fullestQueue, admission.requests);
      queuedBytes += admission.bytes;
    }
    return {
      accepted: this.#accepted,
      settled: this.#settled,
      refused: this.#refused,
      retried: this.#retried,
      queueDepth,
      fullestQueue,
      queuedBytes,
      inFlight: this.#running.size,
      dispatches: this.#lastDispatch,
      dispatchedRequests: this.#dispatchedRequests,
    };
  }

  #apply(event: Event, effects: Effect[]): void {
    switch (event.kind) {
      case "arrive":
        return this.#arrive(event.ticket, event.submission, effects);
      case "cancel":
        return this.#end(event.ticket, "cancelled", "the caller cancelled", effects);
      case "wake":
        this.#wakeAt = undefined;
        return;
      case "progress":
        this.#workerProgressAt = this.#now;
        return;
      case "step":
        this.#workerProgressAt = this.#now;
        for (const delta of event.step.deltas) this.#takeDelta(delta, effects);
        for (const result of event.step.results) this.#takeResult(result, effects);
        return;
      case "lost":
        return this.#lose(
          event.sequences ?? [...this.#running.keys()],
          failedReply(event.status, event.message),
          effects,
          event.sequences === undefined || this.#worker.isGone ? "worker_gone" : "call_broke",
        );
      case "worker":
        this.#worker.told(event.state, event.detail, this.#now, event.maxRows);
        if (this.#worker.isGone) this.#losses.workerIsGone();
        return this.#placesFreed();
      default:
        event satisfies never;
        throw new Error(`the scheduler was told of an unknown event ${JSON.stringify(event)}`);
    }
  }

  #arrive(ticket: Ticket, submission: Submission, effects: Effect[]): void {
    const lane = this.#laneOf(submission.mode);
    if (lane.admission.isFull(submission)) this.#letGo(lane, effects);
    const refusal = lane.admission.refusal(submission, this.#now);
    if (refusal) {
      this.#refused++;
      effects.push({ kind: "settle", ticket, outcome: refusal });
      return;
    }
    const entry: Entry = {
      ticket,
      submission,
      lane,
      queuedAt: this.#now,
      attempts: 0,
      tries: 0,
      alone: false,
      mayRunAmong: undefined,
      run: undefined,
      previous: undefined,
      next: undefined,
    };
    this.#accepted++;
    this.#entries.set(ticket, entry);
    lane.enqueue(entry);
    this.#worker.wanted(this.#now);
    if (submission.deadline === undefined) return;
    this.#deadlines.set(ticket, submission.deadline);
    if (submission.deadline <= this.#now) this.#expire(effects);
  }

  #laneOf(mode: Mode | undefined): Lane {
    if (mode === undefined) return this.#lanes[0]!;
    const known = this.#lanes.find((lane) => lane.mode === mode);
    if (known) return known;
    const lane = new Lane(mode, this.policyOf(mode), this.limits);
    this.#lanes.push(lane);
    return lane;
  }

  #expire(effects: Effect[]): void {
    const now = this.#now;
    for (let due = this.#deadlines.popDue(now); due !== undefined; due = this.#deadlines.popDue(now)) {
      this.#end(due, "deadline_exceeded", "the caller's deadline passed", effects);
    }
  }

  /**
   * Last, and in a turn of the clock alone: after a pause of our own the worker's messages come one by one, and none
   * of them may end the others.
   */
  #timeOutSilent(effects: Effect[]): void {
    const now = this.#now;
    for (let due = this.#timeouts.popDue(now); due !== undefined; due = this.#timeouts.popDue(now)) {
      this.#timeOut(due, effects);
    }
  }

  #timeOut(sequence: SequenceId, effects: Effect[]): void {
    const entry = this.#running.get(sequence);
    if (!entry) return;
    const { workerTimeoutMs, rowTimeoutMs } = this.limits;
    const { progressAt, tokens } = entry.run;
    const rowDueAt = progressAt + rowTimeoutMs;
    // It is looked at for the first time so long after its dispatch; its tokens are the worker's progress too.
    const dueAt = Math.min(this.#workerProgressAt + workerTimeoutMs, rowDueAt);
    if (dueAt > this.#now) {
      this.#timeouts.set(sequence, dueAt);
      return;
    }
    const what = tokens > 0 ? `gave no token after ${tokens}` : "did not answer";
    const rule = dueAt === rowDueAt && rowTimeoutMs > workerTimeoutMs
      ? `${rowTimeoutMs} ms, in which it worked for others (WORKER_ROW_TIMEOUT_MS)`
      : `${workerTimeoutMs} ms (WORKER_RPC_TIMEOUT_MS)`;
    const message = `the worker ${what} within ${rule}`;
    effects.push({ kind: "cancel", sequences: [sequence] });
    this.#answer(entry, failedReply("worker_timeout", message), effects);
  }

  /** Ends a request that its caller no longer waits for; unknown tickets have settled already. */
  #end(ticket: Ticket, code: ErrorCode, message: string, effects: Effect[]): void {
    const entry = this.#entries.get(ticket);
    if (!entry) return;
    if (entry.run) {
      effects.push({ kind: "cancel", sequences: [entry.run.sequence] });
      this.#leaveWorker(entry, entry.run);
    } else {
      entry.lane.abandon(entry, this.#now);
    }
    this.#settle(entry, { kind: "refused", code, message }, effects);
  }

  #takeDelta(delta: WorkerDelta, effects: Effect[]): void {
    const entry = this.#runOf(delta.sequence, effects);
    if (!entry) return;
    const { run, submission, ticket } = entry;
    const { tokenIndex, tokens, text } = delta;
    if (tokenIndex !== run.tokens || !submission.stream) {
      effects.push({ kind: "cancel", sequences: [run.sequence] });
      const expected = submission.stream ? `token ${run.tokens} was next` : "no stream was asked for";
      const message = `the worker sent token ${tokenIndex} where ${expected}`;
      return this.#answer(entry, failedReply("worker_internal_error", message), effects);
    }
    if (run.firstTokenAt === undefined) {
      run.firstTokenAt = this.#now;
      this.#acquit(entry);
    }
    run.progressAt = this.#now;
    run.tokens += tokens;
    const queueWaitMs = run.dispatchedAt - submission.receivedAt;
    effects.push({ kind: "delta", delta: { ticket, tokenIndex, tokens, text, queueWaitMs } });
  }

  #takeResult(result: WorkerResult, effects: Effect[]): void {
    const entry = this.#runOf(result.sequence, effects);
    if (!entry) return;
    const reply = checkedReply(result, entry.run, entry.submission);
    if (reply.status === "worker_unavailable") {
      return this.#lose([result.sequence], reply, effects, "turned_back");
    }
    this.#answer(entry, reply, effects);
  }

  /** The request that runs as this sequence; a result can cross its cancel on the way, so none is no error. */
  #runOf(sequence: SequenceId, effects: Effect[]): Entry & { run: Run } | undefined {
    const entry = this.#running.get(sequence);
    if (!entry && !(sequence <= this.#lastSequence && sequence > 0)) {
      effects.push({
        kind: "warn",
        message: `the worker spoke of a sequence ${sequence} that was never sent`,
      });
    }
    return entry;
  }

  /** Sends again what the worker can't answer any more, as long as that is safe and allowed. */
  #lose(sequences: readonly SequenceId[], reply: WorkerReply, effects: Effect[], loss: Loss): void {
    const again: Entry[] = [];
    this.#losses.happen(this.#running.size);
    for (const sequence of sequences) {
      const entry = this.#running.get(sequence);
      if (!entry) continue;
      if (this.#losses.maySendAgain(entry, reply, loss)) {
        this.#leaveWorker(entry, entry.run);
        again.push(entry);
      } else {
        this.#answer(entry, this.#losses.lastReply(entry, reply, loss), effects);
      }
    }
    this.#retried += again.length;
    this.#losses.putBack(again, loss, this.#now);
  }

  #answer(entry: Entry & { run: Run }, reply: WorkerReply, effects: Effect[]): void {
    const { run, submission, attempts } = entry;
    this.#leaveWorker(entry, run);
    entry.lane.admission.answered(this.#now - run.dispatchedAt, reply, this.#now);
    const { notice: { id, reason, lateMs, tickets } } = run.group;
    const queueWaitMs = run.dispatchedAt - submission.receivedAt;
    const dispatch = { id, size: tickets.length, reason, lateMs, queueWaitMs, attempts };
    const answer = { reply, dispatch, phases: phases(entry.queuedAt, run, reply, this.#now) };
    this.#settle(entry, { kind: "answered", ...answer }, effects);
  }

  #leaveWorker(entry: Entry, run: Run): void {
    entry.run = undefined;
    this.#running.delete(run.sequence);
    this.#timeouts.delete(run.sequence);
    entry.lane.returned(entry, run.group, this.#now);
    if (this.#losses.suspects) this.#placesFreed();
  }

  #settle(entry: Entry, outcome: Outcome, effects: Effect[]): void {
    this.#entries.delete(entry.ticket);
    this.#deadlines.delete(entry.ticket);
    this.#acquit(entry);
    this.#settled++;
    effects.push({ kind: "settle", ticket: entry.ticket, outcome });
  }

  /** The request can't be what ended a worker, or it matters no more. */
  #acquit(entry: Entry): void {
    if (this.#losses.forget(entry)) this.#placesFreed();
  }

  /** Of all lanes: the worker, or a suspect at it, kept requests of any of them waiting. */
  #placesFreed(): void {
    this.#hasFreedPlaces = true;
    for (const lane of this.#lanes) lane.placeFreed(this.#now);
  }

  /** Sends what the lane's policy lets go. */
  #letGo(lane: Lane, effects: Effect[]): void {
    if (!this.#worker.takesRequests) {
      if (this.#worker.givesUp(this.#now)) this.#failWaiting(lane, effects);
      return lane.holdBack(this.#now);
    }
    for (;;) {
      const most = this.#losses.mayLeave(lane, this.#running.size);
      if (most === 0) return lane.holdBack(this.#now);
      const group = lane.ask(this.#now, most, this.#worker.maxRows);
      if (!group) return;
      this.#dispatch(lane, group, most, effects);
    }
  }

  /** The worker has been away too long. */
  #failWaiting(lane: Lane, effects: Effect[]): void {
    const reply = failedReply("worker_unavailable", `no worker takes requests: ${this.#worker.detail}`);
    for (let entry = lane.first; entry; entry = lane.first) {
      lane.leaveQueue(entry);
      const instants = phases(entry.queuedAt, undefined, reply, this.#now);
      const outcome: Outcome = { kind: "answered", reply, dispatch: undefined, phases: instants };
      this.#settle(entry, outcome, effects);
    }
  }

  /** `most`: so many of the lane's first may leave. */
  #dispatch(lane: Lane, departure: Departure, most: number, effects: Effect[]): void {
    const now = this.#now;
    const leaving: Entry[] = [];
    for (let entry = lane.first; entry && leaving.length < departure.take && most > 0; entry = lane.first) {
      most--;
      lane.leaveQueue(entry);
      const hasWaitedForPlace = lane.releasedAt > entry.queuedAt;
      const late = hasWaitedForPlace ? lane.admission.tooLate(entry.submission, now) : undefined;
      if (late) this.#settle(entry, late, effects);
      else leaving.push(entry);
      if (leaving.length === 0) return; // the policy decided for this one; what it says of the next may differ
    }
    const notice: DispatchNotice = {
      id: ++this.#lastDispatch,
      mode: lane.mode,
      reason: departure.reason,
      lateMs: Math.max(0, now - lane.dueAt(departure, leaving.at(-1)!.submission)),
      at: now,
      tickets: leaving.map(({ ticket }) => ticket),
    };
    const group: Group = { notice, left: leaving.length };
    const members = leaving.map((entry) => this.#start(entry, group));
    lane.sent(leaving);
    this.#dispatchedRequests += members.length;
    const { id } = notice;
    effects.push({ kind: "dispatch", group: { id, members, timeoutMs: this.#patience(members) }, notice });
  }

  #start(entry: Entry, group: Group): DispatchMember {
    const { submission, ticket, queuedAt, lane } = entry;
    const now = this.#now;
    const sequence = ++this.#lastSequence;
    const placeAt = Math.min(now, Math.max(queuedAt, lane.releasedAt));
    const id = wireId(submission.requestId, ticket);
    const run: Run = {
      sequence,
      wireId: id,
      group,
      placeAt,
      dispatchedAt: now,
      firstTokenAt: undefined,
      progressAt: now,
      tokens: 0,
    };
    this.#losses.sent(entry, this.#running.size);
    this.#running.set(sequence, Object.assign(entry, { run }));
    this.#timeouts.set(sequence, now + this.limits.workerTimeoutMs);
    const remainingMs = submission.deadline === undefined ? undefined : submission.deadline - now;
    return { sequence, wireId: id, submission, remainingMs };
  }

  /** How long the most patient member still waits, at most the time that a row is given. */
  #patience(group: readonly DispatchMember[]): Millis {
    let longest = 0;
    for (const { remainingMs = Infinity } of group) longest = Math.max(longest, remainingMs);
    return Math.min(longest, this.limits.rowTimeoutMs);
  }

  #askToWake(effects: Effect[]): void {
    let time = earliest(this.#deadlines.next(), this.#timeouts.next());
    let waits = false;
    for (const { wakeAt, first } of this.#lanes) {
      time = earliest(time, wakeAt);
      waits ||= first !== undefined;
    }
    if (waits) time = earliest(time, this.#worker.giveUpAt);
    if (time === this.#wakeAt) return;
    this.#wakeAt = time;
    effects.push({ kind: "wake_at", time });
  }
}

function earliest(a: Millis | undefined, b: Millis | undefined): Millis | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
