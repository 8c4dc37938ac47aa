import { Deadlines } from "./deadlines.ts";
import type { ErrorCode } from "./errors.ts";
import type { CoreLimits, Effect, Event, Outcome } from "./events.ts";
import { type Departure, Lane } from "./lane.ts";
import type { Policy } from "./modes/mode.ts";
import type { DispatchReason, Mode } from "./modes/modes.ts";
import { fifo, type OrderDefinition } from "./order.ts";
import {
  checkedReply,
  type Entry,
  newEntry,
  phaseInstants,
  type Run,
  type RunningEntry,
  wireId,
} from "./run.ts";
import { type Loss, Suspects } from "./suspects.ts";
import { earliest } from "./time.ts";
import {
  type Dispatch,
  type DispatchId,
  failedReply,
  type Millis,
  type SchedulerStats,
  type SequenceId,
  type Submission,
  type Ticket,
  type WorkerDelta,
  type WorkerId,
  type WorkerReply,
  type WorkerResult,
} from "./types.ts";
import { type Place, Workers } from "./workers.ts";

/** How a core schedules. */
export interface CoreOptions {
  /** The engine's mode: that of the requests which ask for none. */
  readonly mode: Mode;
  readonly policyOf: (mode: Mode) => Policy<DispatchReason>;
  /** Who is next in a queue. @default fifo */
  readonly order?: OrderDefinition;
  readonly limits: CoreLimits;
  /** The workers that the engine connects to. */
  readonly workers: readonly WorkerId[];
}

/**
 * The scheduler as a state machine: events and the time in, effects out; no clock, no randomness, no I/O.
 *
 * Promises: every ticket that arrives is settled exactly once, after its last delta. A ticket is not dispatched
 * after its cancel or its deadline. Waiting requests of one mode leave in that mode's order, and one that arrives is
 * refused rather than let its mode's queue grow beyond its limits. Whatever a worker sends, a ticket gets its own tokens
 * and reply, all of them and in order, or a failure. A request none of whose tokens has reached its caller survives the
 * loss of a worker. Nothing is kept of a settled request.
 */
export class SchedulerCore {
  /** The engine's own first; another is made for the first request that asks for its mode. */
  readonly #lanes = new Map<Mode, Lane>();
  readonly #entries = new Map<Ticket, Entry>();
  readonly #deadlines = new Deadlines();
  /** When to look whether the worker still works, by the run's sequence. */
  readonly #timeouts = new Deadlines();
  readonly #workers: Workers;
  readonly #suspects: Suspects;
  #now: Millis = 0;
  #effects: Effect[] = [];
  /** Places were freed since the lanes were last asked. */
  #hasFreedPlaces = false;
  #lastSequence: SequenceId = 0;
  #lastDispatch: DispatchId = 0;
  #wakeAt: Millis | undefined;
  #accepted = 0;
  #settled = 0;
  #refused = 0;
  #retried = 0;
  #dispatchedRequests = 0;

  constructor(private readonly options: CoreOptions) {
    const { mode, limits, workers } = options;
    this.#workers = new Workers(workers, limits.workerWaitMs);
    this.#suspects = new Suspects(limits.maxAttempts, this.#workers);
    this.#laneOf(mode);
  }

  /** Takes in what happened up to `now`, in this order, then lets the policies decide once. Time never steps back in here. */
  handle(events: readonly Event[], now: Millis, effects: Effect[]): void {
    this.#effects = effects;
    this.#now = Math.max(this.#now, now);
    for (const event of events) {
      // The clocks of two threads differ by a little; a request never comes before it was received.
      if (event.kind === "arrive") this.#now = Math.max(this.#now, event.submission.receivedAt);
    }
    this.#expire();
    for (const event of events) this.#apply(event);
    if (events.some(({ kind }) => kind === "wake")) this.#timeOutSilent();
    do { // again when a suspect that is given up kept an earlier lane waiting
      this.#hasFreedPlaces = false;
      for (const lane of this.#lanes.values()) this.#letGo(lane);
    } while (this.#hasFreedPlaces);
    // While suspects are tried, answers tell nothing of how fast the workers are.
    if (this.#suspects.areOpen) {
      for (const { admission } of this.#lanes.values()) admission.update(undefined, this.#now);
    }
    this.#askToWake();
  }

  stats(): SchedulerStats {
    let queueDepth = 0;
    let fullestQueue = 0;
    let queuedBytes = 0;
    for (const { admission } of this.#lanes.values()) {
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
      inFlight: this.#workers.running,
      dispatches: this.#lastDispatch,
      dispatchedRequests: this.#dispatchedRequests,
    };
  }

  #apply(event: Event): void {
    switch (event.kind) {
      case "arrive":
        return this.#arrive(event.ticket, event.submission);
      case "cancel":
        return this.#end(event.ticket, "cancelled", "the caller cancelled");
      case "wake":
        this.#wakeAt = undefined;
        return;
      case "progress":
        this.#workers.at(event.worker).progressAt = this.#now;
        return;
      case "step": {
        const place = this.#workers.at(event.worker);
        place.progressAt = this.#now;
        for (const delta of event.step.deltas) this.#takeDelta(place, delta);
        for (const result of event.step.results) this.#takeResult(place, result);
        return;
      }
      case "lost": {
        const place = this.#workers.at(event.worker);
        const loss = event.sequences === undefined || place.isGone ? "worker_gone" : "call_broke";
        const reply = failedReply(event.status, event.message);
        return this.#lose(place, event.sequences ?? [...place.rows.keys()], reply, loss);
      }
      case "worker": {
        const place = this.#workers.at(event.worker);
        this.#workers.update(place, event.state, event.detail, this.#now, event.maxRows);
        if (place.isGone) this.#suspectLostSingly(place);
        return this.#freePlaces();
      }
      default:
        event satisfies never;
        throw new Error(`the scheduler got an unknown event ${JSON.stringify(event)}`);
    }
  }

  #arrive(ticket: Ticket, submission: Submission): void {
    const lane = this.#laneOf(submission.mode ?? this.options.mode);
    if (lane.admission.isFull(submission)) this.#letGo(lane);
    const refusal = lane.admission.refusal(submission, this.#now);
    if (refusal) {
      this.#refused++;
      this.#effects.push({ kind: "settle", ticket, outcome: refusal });
      return;
    }
    const entry = newEntry(ticket, submission, lane.mode, this.#now);
    this.#accepted++;
    this.#entries.set(ticket, entry);
    lane.enqueue(entry);
    this.#workers.expect(this.#now);
    if (submission.deadline === undefined) return;
    this.#deadlines.set(ticket, submission.deadline);
    if (submission.deadline <= this.#now) this.#expire();
  }

  #laneOf(mode: Mode): Lane {
    const known = this.#lanes.get(mode);
    if (known) return known;
    const { policyOf, order = fifo, limits } = this.options;
    const lane = new Lane(mode, policyOf(mode), order, limits);
    this.#lanes.set(mode, lane);
    return lane;
  }

  #expire(): void {
    const now = this.#now;
    for (let due = this.#deadlines.popDue(now); due !== undefined; due = this.#deadlines.popDue(now)) {
      this.#end(due, "deadline_exceeded", "the caller's deadline passed");
    }
  }

  /** Ends a request that its caller no longer waits for; unknown tickets have settled already. */
  #end(ticket: Ticket, code: ErrorCode, message: string): void {
    const entry = this.#entries.get(ticket);
    if (!entry) return;
    if (isRunning(entry)) this.#cancel(entry);
    else this.#laneOf(entry.mode).abandon(entry, this.#now);
    this.#settle(entry, { kind: "refused", code, message });
  }

  /** Frees the row of a request that has not ended at its worker. */
  #cancel(entry: RunningEntry): void {
    const { worker, sequence } = entry.run;
    this.#effects.push({ kind: "cancel", worker, sequences: [sequence] });
    this.#leaveWorker(entry);
  }

  #takeDelta(place: Place, delta: WorkerDelta): void {
    const entry = this.#runningAs(place, delta.sequence);
    if (!entry) return;
    const { run, submission, ticket } = entry;
    const { tokenIndex, tokens, text } = delta;
    if (tokenIndex !== run.tokens || !submission.stream) {
      const expected = submission.stream ? `token ${run.tokens} was next` : "no stream was asked for";
      const message = `the worker sent token ${tokenIndex} where ${expected}`;
      return this.#fail(entry, failedReply("worker_internal_error", message));
    }
    if (run.firstTokenAt === undefined) {
      run.firstTokenAt = this.#now;
      this.#acquit(entry);
    }
    run.progressAt = this.#now;
    run.tokens += tokens;
    this.#effects.push({ kind: "delta", delta: { ticket, tokenIndex, tokens, text } });
  }

  #takeResult(place: Place, result: WorkerResult): void {
    const entry = this.#runningAs(place, result.sequence);
    if (!entry) return;
    const reply = checkedReply(result, entry.run);
    if (reply.status === "worker_unavailable") {
      return this.#lose(place, [result.sequence], reply, "turned_back");
    }
    this.#answer(entry, reply);
  }

  /** The request that runs there as this sequence; a result can cross its cancel on the way, so none is no error. */
  #runningAs(place: Place, sequence: SequenceId): RunningEntry | undefined {
    const entry = place.rows.get(sequence);
    if (!entry && !(sequence <= this.#lastSequence && sequence > 0)) {
      this.#effects.push({
        kind: "warn",
        message: `the worker spoke of a sequence ${sequence} that was never sent`,
      });
    }
    return entry;
  }

  /** Sends again what the worker can't answer any more, as long as that is safe and allowed. */
  #lose(place: Place, sequences: readonly SequenceId[], reply: WorkerReply, loss: Loss): void {
    const again: Entry[] = [];
    place.runningAtLoss = Math.max(place.runningAtLoss, place.running);
    for (const sequence of sequences) {
      const entry = place.rows.get(sequence);
      if (!entry) continue;
      if (this.#suspects.maySendAgain(entry, reply, loss)) {
        this.#leaveWorker(entry);
        again.push(entry);
      } else {
        this.#answer(entry, this.#suspects.lastReply(entry, reply, loss));
      }
    }
    this.#retried += again.length;
    for (const entry of again.toReversed()) { // the last first: each then goes to the very front
      this.#suspects.recordLoss(entry, place, loss);
      this.#laneOf(entry.mode).putBack(entry, this.#now);
    }
  }

  /** Makes suspects of those that were lost one by one, as the calls of a worker without sessions are. */
  #suspectLostSingly(place: Place): void {
    const waiting = [...place.lostSingly];
    place.lostSingly.clear();
    for (const entry of waiting) {
      const lane = this.#laneOf(entry.mode);
      lane.remove(entry);
      this.#suspects.suspect(entry, place);
      lane.enqueue(entry);
    }
  }

  /**
   * Last, and in a turn of the clock alone: after a pause of our own the workers' messages come one by one, and none of
   * them may end the others.
   */
  #timeOutSilent(): void {
    const now = this.#now;
    for (let due = this.#timeouts.popDue(now); due !== undefined; due = this.#timeouts.popDue(now)) {
      this.#timeOut(due);
    }
  }

  #timeOut(sequence: SequenceId): void {
    const place = this.#workers.all.find(({ rows }) => rows.has(sequence));
    const entry = place?.rows.get(sequence);
    if (!place || !entry) return;
    const { workerTimeoutMs, rowTimeoutMs } = this.options.limits;
    const { progressAt, tokens } = entry.run;
    const rowDueAt = progressAt + rowTimeoutMs;
    // It is looked at for the first time so long after its dispatch; its tokens are the worker's progress too.
    const dueAt = Math.min(place.progressAt + workerTimeoutMs, rowDueAt);
    if (dueAt > this.#now) {
      this.#timeouts.set(sequence, dueAt);
      return;
    }
    const what = tokens > 0 ? `gave no token after ${tokens}` : "did not answer";
    const rule = dueAt === rowDueAt && rowTimeoutMs > workerTimeoutMs
      ? `${rowTimeoutMs} ms, in which it worked for others (WORKER_ROW_TIMEOUT_MS)`
      : `${workerTimeoutMs} ms (WORKER_RPC_TIMEOUT_MS)`;
    this.#fail(entry, failedReply("worker_timeout", `the worker ${what} within ${rule}`));
  }

  /** Ends a request that its worker still runs: its row is freed. */
  #fail(entry: RunningEntry, reply: WorkerReply): void {
    const { worker, sequence } = entry.run;
    this.#effects.push({ kind: "cancel", worker, sequences: [sequence] });
    this.#answer(entry, reply);
  }

  #answer(entry: RunningEntry, reply: WorkerReply): void {
    const { run, queuedAt, attempts, mode } = entry;
    this.#leaveWorker(entry);
    this.#laneOf(mode).admission.answered(this.#now - run.dispatchedAt, reply, this.#now);
    const phases = phaseInstants(queuedAt, run, reply, this.#now);
    this.#settle(entry, { kind: "answered", reply, attempts, phases });
  }

  #leaveWorker(entry: RunningEntry): void {
    const { run } = entry;
    this.#workers.at(run.worker).leave(entry);
    (entry as Entry).run = undefined;
    this.#timeouts.delete(run.sequence);
    this.#laneOf(entry.mode).placeFreed(this.#now);
    if (this.#suspects.areOpen) this.#freePlaces();
  }

  #settle(entry: Entry, outcome: Outcome): void {
    this.#entries.delete(entry.ticket);
    this.#deadlines.delete(entry.ticket);
    this.#acquit(entry);
    this.#settled++;
    this.#effects.push({ kind: "settle", ticket: entry.ticket, outcome });
  }

  /** Takes note that the request can't be what ended a worker, or that it matters no more. */
  #acquit(entry: Entry): void {
    if (this.#suspects.acquit(entry)) this.#freePlaces();
  }

  /** Takes note for all lanes: a worker, or a suspect at it, kept requests of any of them waiting. */
  #freePlaces(): void {
    this.#hasFreedPlaces = true;
    for (const lane of this.#lanes.values()) lane.placeFreed(this.#now);
  }

  /** Sends what the lane's policy lets go. */
  #letGo(lane: Lane): void {
    const workers = this.#workers;
    if (!workers.isAvailable) {
      if (workers.isGivenUp(this.#now)) this.#failWaiting(lane);
      return lane.holdBack(this.#now);
    }
    for (;;) {
      const departure = lane.ask(this.#now, workers.all, this.#suspects);
      if (!departure) return;
      this.#dispatch(lane, departure);
    }
  }

  /** All workers have been away too long. */
  #failWaiting(lane: Lane): void {
    const reply = failedReply("worker_unavailable", `no worker takes requests: ${this.#workers.detail}`);
    for (const entry of lane.drain()) {
      const phases = phaseInstants(entry.queuedAt, undefined, reply, this.#now);
      this.#settle(entry, { kind: "answered", reply, attempts: 0, phases });
    }
  }

  #dispatch(lane: Lane, departure: Departure): void {
    const now = this.#now;
    const { place, decision, from } = departure;
    const leaving: Entry[] = [];
    for (let left = decision.take, entry = from.first; entry && left > 0; left--, entry = from.first) {
      lane.remove(entry);
      const hasWaitedForPlace = lane.releasedAt > entry.queuedAt;
      const late = hasWaitedForPlace ? lane.admission.tooLate(entry.submission, now) : undefined;
      if (late) this.#settle(entry, late);
      else leaving.push(entry);
      if (leaving.length === 0) return; // the policy decided for this one; what it says of the next may differ
    }
    const dispatch: Dispatch = {
      id: ++this.#lastDispatch,
      worker: place.worker,
      mode: lane.mode,
      reason: decision.reason,
      lateMs: Math.max(0, now - lane.dueAt(departure, leaving.at(-1)!.submission.receivedAt)),
      at: now,
      tickets: leaving.map(({ ticket }) => ticket),
    };
    const group = { dispatch, left: leaving.length };
    const members = leaving.map((entry, at) => this.#start(entry, group, place, place.running + at));
    place.enter(lane.mode, leaving as RunningEntry[]);
    this.#dispatchedRequests += members.length;
    this.#effects.push({
      kind: "dispatch",
      group: { dispatch, members, timeoutMs: this.#patience(members) },
    });
  }

  /** `running`: how many requests are at the worker before this one. */
  #start(entry: Entry, group: Run["group"], { worker }: Place, running: number): Run {
    const { submission, ticket, queuedAt, mode } = entry;
    const now = this.#now;
    const sequence = ++this.#lastSequence;
    const run: Run = {
      sequence,
      worker,
      wireId: wireId(submission.requestId, ticket),
      submission,
      remainingMs: submission.deadline === undefined ? undefined : submission.deadline - now,
      group,
      placeAt: Math.min(now, Math.max(queuedAt, this.#laneOf(mode).releasedAt)),
      dispatchedAt: now,
      firstTokenAt: undefined,
      progressAt: now,
      tokens: 0,
    };
    entry.run = run;
    this.#suspects.recordSending(entry, this.#workers.at(worker), running);
    this.#timeouts.set(sequence, now + this.options.limits.workerTimeoutMs);
    return run;
  }

  /** How long the most patient member still waits, at most the time that a row is given. */
  #patience(group: readonly Run[]): Millis {
    let longest = 0;
    for (const { remainingMs = Infinity } of group) longest = Math.max(longest, remainingMs);
    return Math.min(longest, this.options.limits.rowTimeoutMs);
  }

  #askToWake(): void {
    let time = earliest(this.#deadlines.next(), this.#timeouts.next());
    let waits = false;
    for (const { wakeAt, isEmpty } of this.#lanes.values()) {
      time = earliest(time, wakeAt);
      waits ||= !isEmpty;
    }
    if (waits) time = earliest(time, this.#workers.giveUpAt);
    if (time === this.#wakeAt) return;
    this.#wakeAt = time;
    this.#effects.push({ kind: "wake_at", time });
  }
}

function isRunning(entry: Entry): entry is RunningEntry {
  return entry.run !== undefined;
}
