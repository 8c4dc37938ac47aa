import { getLogger } from "@logtape/logtape";
import { within } from "../clock.ts";
import type { SchedulerSettings } from "../config/config.ts";
import { OmnispanError } from "../core/errors.ts";
import type {
  Answer,
  DispatchNotice,
  Submission,
  ThreadStats,
  Ticket,
  TokenDelta,
  WorkerState,
  WorkerStatus,
} from "../core/types.ts";
import type { ClientEvent, FromScheduler, Settlement, ToScheduler } from "./protocol.ts";

const log = getLogger(["omnispan", "scheduler"]);

/** Hears of a request's tokens as they come, before it settles. */
export type OnDelta = (delta: TokenDelta) => void;

/** A request that the scheduler was given. */
export interface OpenSubmission {
  /** 0: the engine is stopping and the scheduler never had it. */
  readonly ticket: Ticket;
  /** Rejects with an OmnispanError, as `SchedulerHandle.submit` says. */
  readonly answer: Promise<Answer>;
}

interface Completion {
  readonly signal: AbortSignal;
  readonly onDelta: OnDelta | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: OmnispanError) => void;
  readonly forget: () => void;
}

/** How long a stop, after the drain, waits for the thread to close its connections before it ends it from outside. */
const STOP_MS = 1000;

/**
 * The main thread's side of the scheduler. Each submission settles exactly once, also when the scheduler
 * thread dies: then all that wait are rejected with `internal`, and a new thread takes what comes next.
 */
export class SchedulerHandle implements AsyncDisposable {
  readonly #completions = new Map<Ticket, Completion>();
  #thread: Worker;
  #outbox: ClientEvent[] = [];
  #lastTicket: Ticket = 0;
  #statsWaiting: PromiseWithResolvers<ThreadStats>[] = [];
  #stop: Record<"drained" | "stopped" | "done", PromiseWithResolvers<void>> | undefined;
  /** There is no thread any more. */
  #ended = false;
  #worker: WorkerStatus = NO_WORKER;

  /**
   * `onWorkerState` hears of each change of the way to the Python worker, `onDispatched` of each group that left,
   * before any token or answer of that sending.
   */
  constructor(
    private readonly settings: SchedulerSettings,
    private readonly onWorkerState: (state: WorkerState) => void = () => {},
    private readonly onDispatched: (notice: DispatchNotice) => void = () => {},
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

  /**
   * Hands a request to the scheduler. Rejects with an OmnispanError when the engine refuses it, or when
   * `signal` (the caller's cancel) fires before the answer; with the signal's reason, if that is one.
   */
  submit(submission: Submission, signal: AbortSignal, onDelta?: OnDelta): Promise<Answer> {
    return this.open(submission, signal, onDelta).answer;
  }

  /** `submit`, and the ticket that dispatch notices will name. */
  open(submission: Submission, signal: AbortSignal, onDelta?: OnDelta): OpenSubmission {
    if (this.#stop) return { ticket: 0, answer: Promise.reject(STOPPING) };
    const ticket = ++this.#lastTicket;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const cancel = () => this.#post({ kind: "cancel", ticket });
    signal.addEventListener("abort", cancel, { once: true });
    this.#completions.set(ticket, {
      signal,
      onDelta,
      resolve,
      reject,
      forget: () => signal.removeEventListener("abort", cancel),
    });
    this.#post({ kind: "arrive", ticket, submission });
    if (signal.aborted) cancel();
    return { ticket, answer: promise };
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
    if (this.#completions.size > 0) await within(this.settings.DRAIN_TIMEOUT_MS, this.#stop.drained.promise);
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
      waiting: this.#completions.size,
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
    const completions = [...this.#completions.values()];
    this.#completions.clear();
    for (const { reject, forget } of completions) {
      forget();
      reject(reason);
    }
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
        for (const notice of message.dispatched) this.onDispatched(notice);
        for (const delta of message.deltas) this.#completions.get(delta.ticket)?.onDelta?.(delta);
        for (const settlement of message.settlements) this.#settle(settlement);
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

  #settle({ ticket, outcome }: Settlement): void {
    const completion = this.#completions.get(ticket);
    if (!completion) return;
    this.#completions.delete(ticket);
    completion.forget();
    if (this.#completions.size === 0) this.#stop?.drained.resolve();
    if (outcome.kind === "answered") return completion.resolve(outcome);
    const { code, message, retryAfterMs } = outcome;
    const { reason } = completion.signal;
    const cancelled = code === "cancelled" && reason instanceof OmnispanError;
    completion.reject(cancelled ? reason : new OmnispanError(code, message, { retryAfterMs }));
  }

  #setWorker(status: WorkerStatus): void {
    const changed = status.state !== this.#worker.state;
    this.#worker = status;
    if (changed) this.onWorkerState(status.state);
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
