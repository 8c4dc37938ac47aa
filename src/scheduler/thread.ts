/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/**
 * The scheduler thread (a Web Worker): gives what happens to the core, carries out the core's effects. Small
 * enough to be right by reading; all that can be subtle is in the core.
 */
import { getLogger } from "@logtape/logtape";
import { now } from "../clock.ts";
import type { SchedulerSettings } from "../config/config.ts";
import { WorkerLink } from "../workers/worker_link.ts";
import { stderrLines } from "../logging/line_writer.ts";
import { configureLogging } from "../logging/logging.ts";
import { LogTally } from "../logging/log_tally.ts";
import { EventLoopLag } from "../observe/event_loop_lag.ts";
import type { Dispatch, Millis, TokenDelta, WorkerId } from "../core/types.ts";
import { SchedulerCore } from "../core/core.ts";
import type { Effect, Event } from "../core/events.ts";
import { modeOf } from "../core/modes/modes.ts";
import type { FromScheduler, Settlement, ToScheduler } from "./protocol.ts";

const log = getLogger(["omnispan", "scheduler"]);

/** A timer comes up to this late, so the last stretch before a wake-up goes turn by turn of the event loop. */
const TIMER_SLACK_MS = 1.2;

/** A wake-up this late means that the machine was asleep: what came meanwhile is read before time-outs are looked at. */
const ASLEEP_MS = 250;
const CATCH_UP_MS = 50;

/** The engine is connected to one worker. */
const WORKER: WorkerId = 0;

/** How long the last lines of the log get to leave. */
const FLUSH_MS = 100;

/** What a turn of the core has for the main thread. */
interface Progress {
  readonly dispatched: Dispatch[];
  readonly deltas: TokenDelta[];
  readonly settlements: Settlement[];
}

class SchedulerThread {
  readonly #core: SchedulerCore;
  readonly #worker: WorkerLink;
  readonly #lag = new EventLoopLag();
  #events: Event[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #immediate: ReturnType<typeof setImmediate> | undefined;

  constructor(settings: SchedulerSettings) {
    this.#core = new SchedulerCore({
      mode: settings.ENGINE_MODE,
      policyOf: (mode) => modeOf(mode).policy(settings),
      workers: [WORKER],
      limits: {
        queueCapacity: settings.QUEUE_CAPACITY,
        queueBytes: settings.QUEUE_BYTES,
        refuseLate: settings.REFUSE_LATE,
        workerTimeoutMs: settings.WORKER_RPC_TIMEOUT_MS,
        rowTimeoutMs: settings.WORKER_ROW_TIMEOUT_MS,
        workerWaitMs: settings.WORKER_WAIT_MS,
        maxAttempts: settings.WORKER_TRIES,
      },
    });
    this.#worker = new WorkerLink(WORKER, settings, {
      event: (event) => this.#collect(event),
      status: (status) => post({ kind: "worker", status }),
      warn,
    });
  }

  receive(message: Exclude<ToScheduler, { kind: "start" }>): void {
    switch (message.kind) {
      case "events":
        return this.#advance(message.events);
      case "stats":
        return post({ kind: "stats", stats: { ...this.#core.stats(), lagsMs: this.#lag.take() } });
      case "stop":
        this.#wakeAt(undefined);
        this.#lag[Symbol.dispose]();
        this.#worker.close();
        warnings.flush();
        return void stderrLines.flush(FLUSH_MS).then(() => post({ kind: "stopped" }));
      default:
        message satisfies never;
        throw new Error(`the main thread sent an unknown message ${(message as ToScheduler).kind}`);
    }
  }

  #advance(events: readonly Event[]): void {
    const effects: Effect[] = [];
    const progress: Progress = { dispatched: [], deltas: [], settlements: [] };
    this.#core.handle(events, now(), effects);
    for (const effect of effects) this.#carryOut(effect, progress);
    const { dispatched, deltas, settlements } = progress;
    if (dispatched.length + deltas.length + settlements.length > 0) post({ kind: "progress", ...progress });
  }

  #carryOut(effect: Effect, progress: Progress): void {
    switch (effect.kind) {
      case "dispatch":
        progress.dispatched.push(effect.group.dispatch);
        return this.#worker.dispatch(effect.group);
      case "cancel":
        return this.#worker.cancel(effect.sequences);
      case "delta":
        progress.deltas.push(effect.delta);
        return;
      case "settle":
        progress.settlements.push({ ticket: effect.ticket, outcome: effect.outcome });
        return;
      case "wake_at":
        return this.#wakeAt(effect.time);
      case "warn":
        return warn(effect.message);
      default:
        effect satisfies never;
    }
  }

  /** What comes in together is taken in together; waiting for the turn's end would cost 0.3 ms each. */
  #collect(event: Event): void {
    if (this.#events.push(event) > 1) return;
    queueMicrotask(() => {
      const events = this.#events;
      this.#events = [];
      this.#advance(events);
    });
  }

  #wakeAt(time: Millis | undefined): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    if (time === undefined) return;
    const leftMs = time - now();
    if (leftMs <= -ASLEEP_MS) this.#timer = setTimeout(() => this.#advance([{ kind: "wake" }]), CATCH_UP_MS);
    else if (leftMs <= 0) this.#immediate = setImmediate(() => this.#advance([{ kind: "wake" }]));
    else if (leftMs <= TIMER_SLACK_MS) this.#immediate = setImmediate(() => this.#wakeAt(time));
    else this.#timer = setTimeout(() => this.#wakeAt(time), leftMs - TIMER_SLACK_MS);
  }
}

/** A worker that breaks the contract may do so with each of its messages. */
const warnings = new LogTally<string>(({ count, first }) =>
  log.warn(count === 1 ? "{message}" : "{message}, and {more} like it", { message: first, more: count - 1 })
);

function warn(message: string): void {
  log.debug("{message}", { message });
  warnings.add({ group: "worker", who: "", message }, message);
}

function post(message: FromScheduler): void {
  self.postMessage(message);
}

let thread: SchedulerThread | undefined;

self.onmessage = ({ data }: MessageEvent<ToScheduler>) => {
  if (data.kind === "start") {
    configureLogging(data.settings);
    thread = new SchedulerThread(data.settings);
    return;
  }
  if (!thread) throw new Error(`the main thread sent ${data.kind} before start`);
  thread.receive(data);
};
