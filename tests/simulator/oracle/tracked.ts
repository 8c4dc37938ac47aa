import TinyQueue from "tinyqueue";
import type {
  DispatchNotice,
  Millis,
  Mode,
  SequenceId,
  Submission,
  Ticket,
  WorkerFailure,
} from "../../../src/core/types.ts";
import { DrainRate, ServiceTime } from "../../../src/core/drain_rate.ts";
import { type ModeLaw, modeLaw, type ModeSettings } from "./laws.ts";

/** What the last events must lead to. */
export type Verdict =
  | { readonly kind: "ok" }
  | { readonly kind: "failed"; readonly status: WorkerFailure; readonly tellWorker: boolean }
  | { readonly kind: "requeue" };

/** A group that was dispatched. */
export interface SentGroup {
  readonly notice: DispatchNotice;
  /** Members at the worker. */
  left: number;
}

/** What is known from outside of all requests of one mode. */
export interface TrackedLane {
  readonly mode: Mode;
  readonly law: ModeLaw;
  /** Those that wait, and some that have left; of the suspects once more. */
  readonly queue: TinyQueue<Ticket>;
  readonly suspects: TinyQueue<Ticket>;
  waiting: number;
  waitingBytes: number;
  running: number;
  runningStreams: number;
  groups: number;
  /** What its answers took, all of them while others waited for a place, and those that were ok. */
  readonly drainRate: DrainRate;
  readonly serviceTime: ServiceTime;
}

/** What is known from outside of a request that has arrived and not settled. */
export interface Tracked {
  readonly ticket: Ticket;
  readonly submission: Submission;
  readonly lane: TrackedLane;
  readonly queuedAt: Millis;
  attempts: number;
  /** Sendings that WORKER_TRIES allows so many of. */
  tries: number;
  /** Something else was at the worker during the newest sending. */
  shared: boolean;
  /** It was at the worker when that was lost: how many may be there with it, itself included. */
  most: number | undefined;
  /** The newest sending; 0 while it waits. */
  sequence: SequenceId;
  group: SentGroup | undefined;
  dispatchedAt: Millis;
  progressAt: Millis;
  /** Something of the answer came, first at this time. */
  begun: boolean;
  firstTokenAt: Millis;
  /** Tokens that the worker gave, and those that went to the caller. */
  heard: number;
  given: number;
  verdict: Verdict | undefined;
}

interface Alarm {
  readonly request: Tracked;
  readonly sequence: SequenceId;
  readonly at: Millis;
}

/** Everything that has arrived and not settled, with the questions the promises ask of it. */
export class Book {
  readonly #open = new Map<Ticket, Tracked>();
  readonly #running = new Map<SequenceId, Tracked>();
  readonly #lanes = new Map<Mode, TrackedLane>();
  readonly #deadlines = new TinyQueue<Tracked>([], (a, b) => a.submission.deadline! - b.submission.deadline!);
  /** Requests that may have ended a worker. */
  readonly suspects = new Set<Tracked>();
  /** Since the last dispatch: those that were lost without a loss of the worker, and how many were at it then. */
  readonly lostAlone = new Set<Tracked>();
  atLoss = 0;
  readonly #silences = new TinyQueue<Alarm>([], (a, b) => a.at - b.at);
  /** Of all modes. */
  waiting = 0;
  waitingBytes = 0;

  constructor(private readonly settings: ModeSettings) {}

  /** Of the modes that were asked for so far. */
  get lanes(): IterableIterator<TrackedLane> {
    return this.#lanes.values();
  }

  get size(): number {
    return this.#open.size;
  }

  get running(): number {
    return this.#running.size;
  }

  find(ticket: Ticket): Tracked | undefined {
    return this.#open.get(ticket);
  }

  findRunning(sequence: SequenceId): Tracked | undefined {
    return this.#running.get(sequence);
  }

  runningSequences(): SequenceId[] {
    return [...this.#running.keys()];
  }

  tickets(): IterableIterator<Ticket> {
    return this.#open.keys();
  }

  /** A request that arrives and is not admitted yet. */
  track(ticket: Ticket, submission: Submission, queuedAt: Millis): Tracked {
    return {
      ticket,
      submission,
      lane: this.#laneOf(submission.mode ?? this.settings.ENGINE_MODE),
      queuedAt,
      attempts: 0,
      tries: 0,
      shared: false,
      most: undefined,
      sequence: 0,
      group: undefined,
      dispatchedAt: 0,
      progressAt: 0,
      begun: false,
      firstTokenAt: 0,
      heard: 0,
      given: 0,
      verdict: undefined,
    };
  }

  admit(request: Tracked): void {
    this.#open.set(request.ticket, request);
    if (request.submission.deadline !== undefined) this.#deadlines.push(request);
    this.#wait(request);
  }

  start(request: Tracked, sequence: SequenceId, group: SentGroup, now: Millis): void {
    this.#stopWaiting(request);
    Object.assign(request, {
      sequence,
      group,
      dispatchedAt: now,
      progressAt: now,
      begun: false,
      heard: 0,
      given: 0,
    });
    request.attempts++;
    request.tries++;
    request.lane.running++;
    if (request.submission.stream) request.lane.runningStreams++;
    this.#running.set(sequence, request);
    request.shared = this.#running.size > 1;
    if (this.#running.size === 2) { for (const each of this.#running.values()) each.shared = true; }
    this.lostAlone.clear();
    this.atLoss = 0;
    this.#silences.push({ request, sequence, at: now });
  }

  requeue(request: Tracked): void {
    this.#stopRunning(request);
    this.#wait(request);
  }

  /** The worker was lost with this request, which waits again. */
  suspect(request: Tracked): void {
    const { most } = request;
    request.most = most === undefined ? this.atLoss : Math.ceil(Math.min(this.atLoss, most) / 2);
    if (request.shared) request.tries--;
    if (!this.suspects.has(request)) request.lane.suspects.push(request.ticket);
    this.suspects.add(request);
  }

  /** The request can't be sent again, or has settled. */
  acquit(request: Tracked): void {
    this.suspects.delete(request);
    this.lostAlone.delete(request);
    request.most = undefined;
  }

  /** So many of a lane may leave as long as there are suspects, which go first and among few. */
  mayLeave({ mode, waiting }: TrackedLane): number {
    if (this.suspects.size === 0) return waiting;
    const own = [...this.suspects].filter(({ lane, sequence }) => lane.mode === mode && sequence === 0);
    let most = this.mostRunning();
    let leaving = 0;
    for (const request of own.toSorted((a, b) => a.ticket - b.ticket)) {
      most = Math.min(most, request.most!);
      if (this.#running.size + leaving >= most) break;
      leaving++;
    }
    return leaving;
  }

  /** How many the suspects at the worker allow there: none if there are others. */
  mostRunning(): number {
    let most = Infinity;
    for (const request of this.#running.values()) most = Math.min(most, request.most ?? 0);
    return most;
  }

  settle(request: Tracked): void {
    if (request.sequence > 0) this.#stopRunning(request);
    else this.#stopWaiting(request);
    this.acquit(request);
    this.#open.delete(request.ticket);
  }

  /** The next to leave: suspects go first. */
  oldestWaiting({ queue, suspects }: TrackedLane): Tracked | undefined {
    return this.#oldest(suspects, ({ most }) => most !== undefined) ?? this.#oldest(queue, () => true);
  }

  #oldest(queue: TinyQueue<Ticket>, belongs: (request: Tracked) => boolean): Tracked | undefined {
    for (let ticket = queue.peek(); ticket !== undefined; ticket = queue.peek()) {
      const request = this.#open.get(ticket);
      if (request && request.sequence === 0 && belongs(request)) return request;
      queue.pop();
    }
    return undefined;
  }

  /** The one whose caller's patience ends first. */
  nextDeadline(): Tracked | undefined {
    for (let next = this.#deadlines.peek(); next; next = this.#deadlines.peek()) {
      if (this.#open.has(next.ticket)) return next;
      this.#deadlines.pop();
    }
    return undefined;
  }

  /** The one at the worker that gave no sign of life for longest. */
  longestSilent(): Tracked | undefined {
    for (let next = this.#silences.peek(); next; next = this.#silences.peek()) {
      const { request, sequence, at } = next;
      const alive = request.sequence === sequence && this.#open.has(request.ticket);
      if (alive && request.progressAt === at) return request;
      this.#silences.pop();
      if (alive) this.#silences.push({ request, sequence, at: request.progressAt });
    }
    return undefined;
  }

  #laneOf(mode: Mode): TrackedLane {
    let lane = this.#lanes.get(mode);
    if (!lane) {
      const law = modeLaw(mode, this.settings);
      lane = {
        mode,
        law,
        queue: new TinyQueue<Ticket>(),
        suspects: new TinyQueue<Ticket>(),
        waiting: 0,
        waitingBytes: 0,
        running: 0,
        runningStreams: 0,
        groups: 0,
        drainRate: new DrainRate(),
        serviceTime: new ServiceTime(),
      };
      this.#lanes.set(mode, lane);
    }
    return lane;
  }

  #wait(request: Tracked): void {
    request.sequence = 0;
    request.group = undefined;
    request.lane.queue.push(request.ticket);
    if (request.most !== undefined) request.lane.suspects.push(request.ticket);
    this.#count(request, 1);
  }

  #stopWaiting(request: Tracked): void {
    this.#count(request, -1);
  }

  #count({ lane, submission: { promptBytes } }: Tracked, one: 1 | -1): void {
    lane.waiting += one;
    lane.waitingBytes += one * promptBytes;
    this.waiting += one;
    this.waitingBytes += one * promptBytes;
  }

  #stopRunning(request: Tracked): void {
    this.#running.delete(request.sequence);
    request.lane.running--;
    if (request.submission.stream) request.lane.runningStreams--;
    if (--request.group!.left === 0) request.lane.groups--;
  }
}
