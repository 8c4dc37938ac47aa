import TinyQueue from "tinyqueue";
import type { Settings } from "../../../src/config/config.ts";
import { DrainRate, ServiceTime } from "../../../src/core/admission.ts";
import type { ModeLaw } from "../../../src/core/modes/mode.ts";
import type { Mode, ModeSettings } from "../../../src/core/modes/modes.ts";
import type { OrderDefinition } from "../../../src/core/order.ts";
import type {
  Dispatch,
  Millis,
  SequenceId,
  Submission,
  Ticket,
  WorkerFailure,
  WorkerId,
  WorkerState,
} from "../../../src/core/types.ts";
import { modeLaw } from "./laws.ts";

/** What the last events must lead to. */
export type Verdict =
  | { readonly kind: "ok" }
  | { readonly kind: "failed"; readonly status: WorkerFailure; readonly tellWorker: boolean }
  | { readonly kind: "requeue" };

/** A group that was dispatched. */
export interface SentGroup {
  readonly dispatch: Dispatch;
  /** Members at the worker. */
  left: number;
}

/** What is known from outside of all requests of one mode. */
export interface TrackedLane {
  readonly mode: Mode;
  readonly law: ModeLaw;
  /** Those that wait, and some that have left; of the suspects once more. */
  readonly queue: TinyQueue<Tracked>;
  readonly suspects: TinyQueue<Tracked>;
  waiting: number;
  waitingBytes: number;
  /** Suspects among those that wait. */
  waitingSuspects: number;
  /** What its answers took, all of them while others waited for a place, and those that were ok. */
  readonly drainRate: DrainRate;
  readonly serviceTime: ServiceTime;
}

/** What one mode has at one worker. */
interface Share {
  running: number;
  runningStreams: number;
  groups: number;
}

/** What is known from outside of a worker. */
export class TrackedWorker {
  state: WorkerState | "unknown" = "unknown";
  /** When those that wait for it are told that it does not come. */
  giveUpAt: Millis | undefined;
  /** Requests that go to it where the settings name no limit: a quarter more than it runs at once. */
  mostRows = Infinity;
  /** When it last gave any row something, or made a step of its runtime. */
  progressAt: Millis = -Infinity;
  readonly rows = new Map<SequenceId, Tracked>();
  /** Since the last dispatch: those that were lost without a loss of the worker, and how many were at it then. */
  readonly lostAlone = new Set<Tracked>();
  atLoss = 0;
  readonly #shares = new Map<Mode, Share>();

  constructor(readonly id: WorkerId, private readonly waitMs: Millis) {}

  shareOf(mode: Mode): Share {
    let share = this.#shares.get(mode);
    if (!share) this.#shares.set(mode, share = { running: 0, runningStreams: 0, groups: 0 });
    return share;
  }

  update(state: WorkerState, maxRows: number | undefined, now: Millis): void {
    if (state === "up") {
      this.mostRows = Math.ceil(1.25 * (maxRows ?? Infinity));
      this.giveUpAt = undefined;
    } else if (state === "down" && this.state === "unknown") this.giveUpAt = now;
    else this.giveUpAt ??= now + this.waitMs;
    this.state = state;
  }

  /** Somebody waits. */
  expect(now: Millis): void {
    if (this.state === "unknown") this.giveUpAt ??= now + this.waitMs;
  }

  /** How many requests the suspects there allow to be there: none beside others. */
  get mostRunning(): number {
    let most = Infinity;
    for (const request of this.rows.values()) most = Math.min(most, request.most ?? 0);
    return most;
  }
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
  /** It was at a worker when that was lost: how many may be at one with it, itself included. */
  most: number | undefined;
  /** The newest sending; 0 while it waits. */
  sequence: SequenceId;
  /** Of the newest sending. */
  worker: TrackedWorker | undefined;
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
  readonly workers: readonly TrackedWorker[];
  readonly #open = new Map<Ticket, Tracked>();
  readonly #lanes = new Map<Mode, TrackedLane>();
  readonly #deadlines = new TinyQueue<Tracked>([], (a, b) => a.submission.deadline! - b.submission.deadline!);
  /** Requests that may have ended a worker. */
  readonly suspects = new Set<Tracked>();
  readonly #silences = new TinyQueue<Alarm>([], (a, b) => a.at - b.at);
  /** Of all modes. */
  waiting = 0;
  waitingBytes = 0;

  constructor(
    private readonly settings: ModeSettings & Pick<Settings, "ENGINE_MODE">,
    private readonly order: OrderDefinition,
    ids: readonly WorkerId[],
    waitMs: Millis,
  ) {
    this.workers = ids.map((id) => new TrackedWorker(id, waitMs));
  }

  /** Of the modes that were asked for so far. */
  get lanes(): IterableIterator<TrackedLane> {
    return this.#lanes.values();
  }

  get size(): number {
    return this.#open.size;
  }

  get running(): number {
    return this.workers.reduce((sum, { rows }) => sum + rows.size, 0);
  }

  get up(): readonly TrackedWorker[] {
    return this.workers.filter(({ state }) => state === "up");
  }

  /** When all that wait are told that no worker comes: when the last is given up. */
  get giveUpAt(): Millis {
    return Math.max(
      ...this.workers.map(({ state, giveUpAt }) => state === "up" ? Infinity : giveUpAt ?? Infinity),
    );
  }

  worker(id: WorkerId): TrackedWorker {
    return this.workers.find((worker) => worker.id === id)!;
  }

  /** The worker that is set aside for suspects: where they run, else the emptiest. */
  get aside(): TrackedWorker | undefined {
    if (this.suspects.size === 0) return undefined;
    for (const { sequence, worker } of this.suspects) if (sequence > 0) return worker;
    return this.emptiest(this.up);
  }

  /** The least loaded, of equals the first. */
  emptiest(workers: readonly TrackedWorker[]): TrackedWorker | undefined {
    return workers.toSorted((a, b) => a.rows.size - b.rows.size || a.id - b.id)[0];
  }

  find(ticket: Ticket): Tracked | undefined {
    return this.#open.get(ticket);
  }

  findRunning(sequence: SequenceId): Tracked | undefined {
    for (const { rows } of this.workers) if (rows.has(sequence)) return rows.get(sequence);
    return undefined;
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
      worker: undefined,
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

  start(request: Tracked, sequence: SequenceId, worker: TrackedWorker, group: SentGroup, now: Millis): void {
    this.#stopWaiting(request);
    Object.assign(request, {
      sequence,
      worker,
      group,
      dispatchedAt: now,
      progressAt: now,
      begun: false,
      heard: 0,
      given: 0,
    });
    request.attempts++;
    request.tries++;
    const { rows, lostAlone } = worker;
    const share = worker.shareOf(request.lane.mode);
    share.running++;
    if (request.submission.stream) share.runningStreams++;
    rows.set(sequence, request);
    request.shared = rows.size > 1;
    if (rows.size === 2) { for (const each of rows.values()) each.shared = true; }
    lostAlone.clear();
    for (const other of this.workers) other.lostAlone.delete(request);
    worker.atLoss = 0;
    this.#silences.push({ request, sequence, at: now });
  }

  requeue(request: Tracked): void {
    this.#stopRunning(request);
    this.#wait(request);
  }

  /** The worker was lost with this request, which waits again. */
  suspect(request: Tracked): void {
    const { most } = request;
    const { atLoss } = request.worker!;
    request.most = most === undefined ? atLoss : Math.ceil(Math.min(atLoss, most) / 2);
    if (request.shared) request.tries--;
    if (!this.suspects.has(request)) {
      request.lane.suspects.push(request);
      request.lane.waitingSuspects++;
    }
    this.suspects.add(request);
  }

  /** The request can't be sent again, or has settled. */
  acquit(request: Tracked): void {
    this.suspects.delete(request);
    for (const { lostAlone } of this.workers) lostAlone.delete(request);
    request.most = undefined;
  }

  /** So many of a lane may leave for the worker: beside suspects only suspects may, and few. */
  mayLeave({ mode, waiting, waitingSuspects }: TrackedLane, worker: TrackedWorker): number {
    if (worker !== this.aside) return waiting - waitingSuspects;
    const own = [...this.suspects].filter(({ lane, sequence }) => lane.mode === mode && sequence === 0);
    let most = worker.mostRunning;
    let leaving = 0;
    for (const request of own.toSorted((a, b) => a.ticket - b.ticket)) {
      most = Math.min(most, request.most!);
      if (worker.rows.size + leaving >= most) break;
      leaving++;
    }
    return leaving;
  }

  settle(request: Tracked): void {
    if (request.sequence > 0) this.#stopRunning(request);
    else this.#stopWaiting(request);
    this.acquit(request);
    this.#open.delete(request.ticket);
  }

  /** The next of the lane to leave for the worker: the one that is set aside takes suspects alone. */
  next({ queue, suspects }: TrackedLane, worker: TrackedWorker): Tracked | undefined {
    return worker === this.aside
      ? this.#first(suspects, ({ most }) => most !== undefined)
      : this.#first(queue, ({ most }) => most === undefined);
  }

  #first(queue: TinyQueue<Tracked>, belongs: (request: Tracked) => boolean): Tracked | undefined {
    for (let request = queue.peek(); request; request = queue.peek()) {
      if (this.#open.has(request.ticket) && request.sequence === 0 && belongs(request)) return request;
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

  /** The one at the workers that gave no sign of life for longest. */
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
      const byOrder = (a: Tracked, b: Tracked) => this.order.precedes(a, b) ? -1 : 1;
      lane = {
        mode,
        law,
        queue: new TinyQueue<Tracked>([], byOrder),
        suspects: new TinyQueue<Tracked>([], (a, b) => a.ticket - b.ticket),
        waiting: 0,
        waitingBytes: 0,
        waitingSuspects: 0,
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
    request.lane.queue.push(request);
    if (request.most !== undefined) request.lane.suspects.push(request);
    this.#count(request, 1);
  }

  #stopWaiting(request: Tracked): void {
    this.#count(request, -1);
  }

  #count({ lane, most, submission: { promptBytes } }: Tracked, one: 1 | -1): void {
    lane.waiting += one;
    lane.waitingBytes += one * promptBytes;
    if (most !== undefined) lane.waitingSuspects += one;
    this.waiting += one;
    this.waitingBytes += one * promptBytes;
  }

  #stopRunning(request: Tracked): void {
    const worker = request.worker!;
    const share = worker.shareOf(request.lane.mode);
    worker.rows.delete(request.sequence);
    share.running--;
    if (request.submission.stream) share.runningStreams--;
    if (--request.group!.left === 0) share.groups--;
  }
}
