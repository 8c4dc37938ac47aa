import { getLogger } from "@logtape/logtape";
import type { SchedulerSettings } from "../config.ts";
import { messageOf, OmnispanError } from "../errors.ts";
import type { Answer, SchedulerStats, Submission, Ticket, WorkerState } from "../types.ts";
import type { ClientEvent, FromScheduler, Settlement, ToScheduler } from "./protocol.ts";

const log = getLogger(["omnispan", "scheduler"]);

interface Completion {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: OmnispanError) => void;
  readonly forget: () => void;
}

/** How long a stop waits for the thread to close its connections before it is ended from outside. */
const STOP_TIMEOUT_MS = 2000;

/**
 * The main thread's side of the scheduler. Each submission settles exactly once, also when the scheduler
 * thread dies: then all that wait are rejected with `internal`, and a new thread takes what comes next.
 */
export class SchedulerHandle implements AsyncDisposable {
  readonly #completions = new Map<Ticket, Completion>();
  #thread: Worker;
  #outbox: ClientEvent[] = [];
  #lastTicket: Ticket = 0;
  #statsWaiting: PromiseWithResolvers<SchedulerStats>[] = [];
  #stopping: PromiseWithResolvers<void> | undefined;
  #workerState: WorkerState = "down";

  /** `onWorkerState` hears of each change of the way to the Python worker. */
  constructor(
    private readonly settings: SchedulerSettings,
    private readonly onWorkerState: (state: WorkerState) => void = () => {},
  ) {
    this.#thread = this.#startThread();
  }

  get workerState(): WorkerState {
    return this.#workerState;
  }

  /**
   * Hands a request to the scheduler. Rejects with an OmnispanError when the engine refuses it, or when
   * `signal` (the caller's cancel) fires before the answer.
   */
  submit(submission: Submission, signal: AbortSignal): Promise<Answer> {
    if (this.#stopping) return Promise.reject(new OmnispanError("unavailable", "the engine is stopping"));
    const ticket = ++this.#lastTicket;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const cancel = () => this.#post({ kind: "cancel", ticket });
    signal.addEventListener("abort", cancel, { once: true });
    this.#completions.set(ticket, {
      resolve,
      reject,
      forget: () => signal.removeEventListener("abort", cancel),
    });
    this.#post({ kind: "arrive", ticket, submission });
    if (signal.aborted) cancel();
    return promise;
  }

  stats(): Promise<SchedulerStats> {
    const waiting = Promise.withResolvers<SchedulerStats>();
    this.#statsWaiting.push(waiting);
    this.#send({ kind: "stats" });
    return waiting.promise;
  }

  /** Rejects what still waits with `unavailable`, closes the connections to the worker and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopping) return this.#stopping.promise;
    this.#stopping = Promise.withResolvers();
    const timer = setTimeout(this.#stopping.resolve, STOP_TIMEOUT_MS);
    this.#rejectAll(new OmnispanError("unavailable", "the engine stopped before the answer came"));
    this.#send({ kind: "stop" });
    await this.#stopping.promise;
    clearTimeout(timer);
    this.#thread.terminate();
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
    this.#rejectAll(new OmnispanError("internal", "the scheduler thread died before the answer came"));
    this.#setWorkerState("down");
    if (this.#stopping) this.#stopping.resolve();
    else this.#thread = this.#startThread();
  }

  #rejectAll(reason: OmnispanError): void {
    const completions = [...this.#completions.values()];
    this.#completions.clear();
    for (const { reject, forget } of completions) {
      forget();
      reject(reason);
    }
    const statsWaiting = this.#statsWaiting;
    this.#statsWaiting = [];
    for (const { reject } of statsWaiting) reject(reason);
  }

  #receive(message: FromScheduler): void {
    switch (message.kind) {
      case "settled":
        return message.settlements.forEach((settlement) => this.#settle(settlement));
      case "stats":
        return this.#statsWaiting.shift()?.resolve(message.stats);
      case "worker":
        return this.#setWorkerState(message.state);
      case "stopped":
        return this.#stopping?.resolve();
      default:
        message satisfies never;
        throw new Error(`the scheduler thread sent an unknown message: ${messageOf(message)}`);
    }
  }

  #settle({ ticket, outcome }: Settlement): void {
    const completion = this.#completions.get(ticket);
    if (!completion) return;
    this.#completions.delete(ticket);
    completion.forget();
    if (outcome.kind === "answered") completion.resolve(outcome);
    else completion.reject(new OmnispanError(outcome.code, outcome.message));
  }

  #setWorkerState(state: WorkerState): void {
    if (state === this.#workerState) return;
    this.#workerState = state;
    this.onWorkerState(state);
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
