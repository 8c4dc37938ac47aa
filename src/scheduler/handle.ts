import { getLogger } from "@logtape/logtape";
import { now, within } from "../clock.ts";
import type { SchedulerSettings } from "../config/config.ts";
import { OmnispanError } from "../core/errors.ts";
import type { Outcome } from "../core/events.ts";
import type {
  Answer,
  Dispatch,
  Millis,
  ThreadStats,
  Ticket,
  TokenDelta,
  WorkerState,
  WorkerStatus,
} from "../core/types.ts";
import type { OpenRequest } from "../observe/observer.ts";
import type { ClientEvent, FromScheduler, ToScheduler } from "./protocol.ts";

const log = getLogger(["omnispan", "scheduler"]);

/** Gets a request's tokens as they come, before it settles. */
export type OnDelta = (delta: TokenDelta, request: OpenRequest) => void;

/** What the caller of `submit` knows of a request. */
export type NewRequest = Pick<OpenRequest, "submission" | "mode" | "transport" | "trace">;

export interface SchedulerListener {
  /** The way to the Python worker has changed its state. */
  workerState?(state: WorkerState): void;
  /**
   * A group has left, before any token or answer of that sending; members whose callers have gone meanwhile are
   * missing.
   */
  dispatched?(dispatch: Dispatch, members: readonly OpenRequest[]): void;
}

/** A request as its caller has it. */
export interface SubmittedRequest extends OpenRequest {
  /** Rejects with an OmnispanError when the engine refuses it, or with the reason of `cancel`. */
  readonly answer: Promise<Answer>;
  /** Ends the request when its caller wants no answer any more. Once it has ended, nothing happens. */
  cancel(reason: OmnispanError): void;
}

/** A request that the scheduler has, and what it takes to end it. */
class Pending implements SubmittedRequest {
  readonly submission;
  readonly mode;
  readonly transport;
  readonly trace;
  dispatch: Dispatch | undefined;
  firstTokenAt: Millis | undefined;
  tokens = 0;
  readonly answer: Promise<Answer>;
  #resolve!: (answer: Answer) => void;
  #reject!: (reason: OmnispanError) => void;
  #cancelledFor: OmnispanError | undefined;

  constructor(
    readonly ticket: Ticket,
    { submission, mode, transport, trace }: NewRequest,
    private readonly onDelta: OnDelta | undefined,
    private readonly handle: { cancel(ticket: Ticket): void },
  ) {
    this.submission = submission;
    this.mode = mode;
    this.transport = transport;
    this.trace = trace;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  cancel(reason: OmnispanError): void {
    if (this.#cancelledFor) return;
    this.#cancelledFor = reason;
    this.handle.cancel(this.ticket);
  }

  take(delta: TokenDelta): void {
    this.firstTokenAt ??= now();
    this.tokens += delta.tokens;
    this.onDelta?.(delta, this);
  }

  settle(outcome: Outcome): void {
    if (outcome.kind === "answered") return this.#resolve(outcome);
    const { code, message, retryAfterMs } = outcome;
    const reason = code === "cancelled" ? this.#cancelledFor : undefined;
    this.reject(reason ?? new OmnispanError(code, message, { retryAfterMs }));
  }

  reject(reason: OmnispanError): void {
    this.#reject(reason);
  }
}

/** How long a stop, after the drain, waits for the thread to close its connections before it ends it from outside. */
const STOP_MS = 1000;

/**
 * The main thread's side of the scheduler, with the one map of all requests that it has. Each settles exactly once, also
 * when the scheduler thread dies: then all that wait are rejected with `internal`, and a new thread takes what comes
 * next.
 */
export class SchedulerHandle implements AsyncDisposable {
  readonly #open = new Map<Ticket, Pending>();
  #thread: Worker;
  #outbox: ClientEvent[] = [];
  #lastTicket: Ticket = 0;
  #statsWaiting: PromiseWithResolvers<ThreadStats>[] = [];
  #stop: Record<"drained" | "stopped" | "done", PromiseWithResolvers<void>> | undefined;
  /** There is no thread any more. */
  #ended = false;
  #worker: WorkerStatus = NO_WORKER;

  constructor(
    private readonly settings: SchedulerSettings,
    private readonly listener: SchedulerListener = {},
  ) {
    this.#thread = this.#startThread();
  }

  /** It takes no more submissions. */
  get stopping(): boolean {
    return this.#stop !== undefined;
  }

  get worker(): WorkerStatus {
    return this.#worker;
  }

  /** Those that the scheduler has, oldest first. */
  get openRequests(): Iterable<OpenRequest> {
    return this.#open.values();
  }

  /**
   * Hands a request to the scheduler.
   * @throws {OmnispanError} unavailable, when the engine is stopping
   */
  submit(request: NewRequest, onDelta?: OnDelta): SubmittedRequest {
    if (this.#stop) throw STOPPING;
    const ticket = ++this.#lastTicket;
    const pending = new Pending(ticket, request, onDelta, this);
    this.#open.set(ticket, pending);
    this.#post({ kind: "arrive", ticket, submission: request.submission });
    return pending;
  }

  /** Frees the place of a request that has not ended; it ends when the scheduler has done so. */
  cancel(ticket: Ticket): void {
    if (this.#open.has(ticket)) this.#post({ kind: "cancel", ticket });
  }

  /** Rejects with an OmnispanError when the engine has stopped, or the scheduler thread dies before it answers. */
  stats(): Promise<ThreadStats> {
    if (this.#ended) return Promise.reject(STOPPING);
    const waiting = Promise.withResolvers<ThreadStats>();
    this.#statsWaiting.push(waiting);
    this.#send({ kind: "stats" });
    return waiting.promise;
  }

  /**
   * Takes no more submissions, gives those it has DRAIN_TIMEOUT_MS to end, rejects the rest with `unavailable`,
   * closes the connections to the worker, which frees what runs there, and ends the thread.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stop) return this.#stop.done.promise;
    this.#stop = {
      drained: Promise.withResolvers(),
      stopped: Promise.withResolvers(),
      done: Promise.withResolvers(),
    };
    if (this.#open.size > 0) await within(this.settings.DRAIN_TIMEOUT_MS, this.#stop.drained.promise);
    const stopped = `the engine stopped before the answer was complete (DRAIN_TIMEOUT_MS)`;
    this.#rejectAll(new OmnispanError("unavailable", stopped));
    this.#send({ kind: "stop" });
    await within(STOP_MS, this.#stop.stopped.promise);
    this.#thread.terminate();
    this.#ended = true;
    this.#rejectStats(STOPPING);
    this.#stop.done.resolve();
  }

  #startThread(): Worker {
    const thread = new Worker(new URL("./thread.ts", import.meta.url), { type: "module", name: "scheduler" });
    thread.onmessage = (message: MessageEvent<FromScheduler>) => this.#receive(message.data);
    thread.onerror = (event) => {
      event.preventDefault();
      this.#threadDied(event.message);
    };
    thread.postMessage({ kind: "start", settings: this.settings } satisfies ToScheduler);
    return thread;
  }

  #threadDied(message: string): void {
    log.error("the scheduler thread died: {message}; {waiting} requests fail and a new thread starts", {
      message,
      waiting: this.#open.size,
    });
    this.#thread.terminate();
    this.#outbox = [];
    const died = new OmnispanError("internal", "the scheduler thread died before the answer came");
    this.#rejectAll(died);
    this.#rejectStats(died);
    this.#setWorker(NO_WORKER);
    if (this.#stop) this.#stop.stopped.resolve();
    else this.#thread = this.#startThread();
  }

  #rejectAll(reason: OmnispanError): void {
    const pending = [...this.#open.values()];
    this.#open.clear();
    for (const request of pending) request.reject(reason);
    this.#stop?.drained.resolve();
  }

  #rejectStats(reason: OmnispanError): void {
    const waiting = this.#statsWaiting;
    this.#statsWaiting = [];
    for (const { reject } of waiting) reject(reason);
  }

  #receive(message: FromScheduler): void {
    switch (message.kind) {
      case "progress":
        for (const dispatch of message.dispatched) this.#dispatched(dispatch);
        for (const delta of message.deltas) this.#open.get(delta.ticket)?.take(delta);
        for (const { ticket, outcome } of message.settlements) this.#settle(ticket, outcome);
        return;
      case "stats":
        return this.#statsWaiting.shift()?.resolve(message.stats);
      case "worker":
        return this.#setWorker(message.status);
      case "stopped":
        return this.#stop?.stopped.resolve();
      default:
        message satisfies never;
        throw new Error(`the scheduler thread sent an unknown message ${(message as FromScheduler).kind}`);
    }
  }

  #dispatched(dispatch: Dispatch): void {
    const members: OpenRequest[] = [];
    for (const ticket of dispatch.tickets) {
      const request = this.#open.get(ticket);
      if (!request) continue;
      request.dispatch = dispatch;
      members.push(request);
    }
    this.listener.dispatched?.(dispatch, members);
  }

  #settle(ticket: Ticket, outcome: Outcome): void {
    const request = this.#open.get(ticket);
    if (!request) return;
    this.#open.delete(ticket);
    if (this.#open.size === 0) this.#stop?.drained.resolve();
    request.settle(outcome);
  }

  #setWorker(status: WorkerStatus): void {
    const changed = status.state !== this.#worker.state;
    this.#worker = status;
    if (changed) this.listener.workerState?.(status.state);
  }

  #post(event: ClientEvent): void {
    if (this.#outbox.push(event) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const events = this.#outbox;
    if (events.length === 0) return;
    this.#outbox = [];
    this.#send({ kind: "events", events });
  }

  #send(message: ToScheduler): void {
    this.#thread.postMessage(message);
  }
}

const STOPPING = new OmnispanError("unavailable", "the engine is stopping");
const NO_WORKER: WorkerStatus = { state: "down", detail: "not connected yet" };
