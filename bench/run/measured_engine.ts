import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../src/clock.ts";
import type { Settings } from "../../src/config/config.ts";
import type { StatsReply__Output } from "../../src/grpc/generated/omnispan/StatsReply.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";
import type { Millis } from "../../src/core/types.ts";
import { EngineLoad, isUnreached } from "../load/engine_load.ts";
import type { Transport } from "../load/loops.ts";
import type { RunPlan, Variant } from "../plan.ts";
import type { WorkerIdentity } from "../record/environment.ts";
import { reasonIn, type ServerProcess, startEngineProcess, untilReady } from "./engine_process.ts";

const READY_WITHIN_MS: Millis = 15_000;
const TARGET_READY_WITHIN_MS: Millis = 3_000;
/** An engine is gone when nothing has listened there for so long, or nothing has answered. */
const GONE_AFTER_MS: Millis = 3_000;
const SILENT_AFTER_MS: Millis = 30_000;
const ASK_WITHIN_MS: Millis = 2_000;
const ASK_EVERY_MS: Millis = 50;
/** What an engine's whole seconds of uptime leave out, and then some; one with less than it must have is another one. */
const UPTIME_SLACK_S = 1.5;

type Asked = Pick<RunPlan, "stream" | "timeoutMs">;

interface StartedAs {
  readonly variant: Variant;
  readonly settings: Settings;
  readonly logFile: string;
}

/** An engine that is ready, and the way to it. */
export class MeasuredEngine implements AsyncDisposable {
  /** What the engine knows of its worker. */
  readonly worker: WorkerIdentity;
  /** Null for an engine that is not Omnispan's. */
  readonly mode: Mode | null;
  /** How many sequences the worker runs at once; null where it does not say. */
  readonly workerRows: number | null;
  /** The state at the last look. */
  #seen: Seen;
  #looking: Promise<Seen | undefined> | undefined;
  #lost: string | undefined;

  private constructor(
    stats: StatsReply__Output,
    readonly transport: Transport,
    private readonly load: EngineLoad,
    /** Undefined: it runs elsewhere. */
    private readonly process: ServerProcess | undefined,
  ) {
    this.worker = workerOf(stats);
    this.mode = MODES.find((known) => known === stats.mode) ?? null;
    this.workerRows = stats.worker?.maxRows || null;
    this.#seen = seenIn(stats, now());
  }

  /**
   * Starts one for `variant`.
   * @throws {SetupError} when it ends or does not get ready; an abort when `stop` fires.
   */
  static async start(
    { variant, settings, logFile }: StartedAs,
    asked: Asked,
    stop: AbortSignal,
  ): Promise<MeasuredEngine> {
    await using parts = new AsyncDisposableStack();
    const process = parts.use(await startEngineProcess(settings, variant, logFile));
    const load = parts.use(new EngineLoad(process.address, asked.timeoutMs));
    const stats = await untilReady(load, `the engine of ${variant.name}`, READY_WITHIN_MS, stop);
    parts.move();
    return new MeasuredEngine(stats, load.transport(asked.stream), load, process);
  }

  /** One that runs already, in whatever mode it is. Throws as `start`. */
  static async running(target: string, asked: Asked, stop: AbortSignal): Promise<MeasuredEngine> {
    using parts = new DisposableStack();
    const load = parts.use(new EngineLoad(target, asked.timeoutMs));
    const stats = await untilReady(load, `the engine at ${target}`, TARGET_READY_WITHIN_MS, stop);
    parts.move();
    return new MeasuredEngine(stats, load.transport(asked.stream), load, undefined);
  }

  /** Resolves when nothing waits in the engine or is at the worker, or after `withinMs`, or when it does not say. */
  async untilEmpty(withinMs: Millis): Promise<void> {
    const endAt = now() + withinMs;
    while (now() < endAt) {
      const stats = await this.load.stats(ASK_WITHIN_MS).catch(() => undefined);
      if (stats === undefined || stats.queueDepth + stats.inFlight === 0) return;
      await sleep(ASK_EVERY_MS);
    }
  }

  /** The worker at the last look. */
  get seenWorker(): SeenWorker {
    return this.#seen.worker;
  }

  /** How the engine came to its end, as the rest of a sentence; undefined while it is there. */
  get gone(): string | undefined {
    if (this.process?.exitCode === undefined) return this.#lost;
    return `ended with code ${this.process.exitCode} under load; its log: ${this.process.logFile}`;
  }

  /** A request did not reach it: finds out whether an engine that runs elsewhere is gone. */
  suspect(): void {
    if (!this.process) void this.#look();
  }

  /**
   * What the engine says after a turn, and whether it is another process than at the look before; undefined when it does
   * not answer, which `gone` explains.
   */
  async look(): Promise<{ readonly wasRestarted: boolean; readonly worker: SeenWorker } | undefined> {
    const before = this.#seen;
    const after = await this.#look();
    if (!after) return undefined;
    this.#seen = after;
    const leastUptimeS = before.uptimeS + (after.askedAt - before.saidAt) / 1000 - UPTIME_SLACK_S;
    const counts = before.uptimeS + after.uptimeS > 0; // one of another make may have no such clock
    return { wasRestarted: counts && after.uptimeS < leastUptimeS, worker: after.worker };
  }

  /** Asks the engine for its counters, again while it does not answer; in the end it is lost. */
  #look(): Promise<Seen | undefined> {
    return this.#looking ??= this.#ask().finally(() => this.#looking = undefined);
  }

  async #ask(): Promise<Seen | undefined> {
    const since = now();
    for (;;) {
      if (this.gone !== undefined) return undefined;
      const askedAt = now();
      const stats = await this.load.stats(ASK_WITHIN_MS).catch((error: Error) => error);
      if (!(stats instanceof Error)) return seenIn(stats, askedAt);
      if (now() - since >= (isUnreached(stats) ? GONE_AFTER_MS : SILENT_AFTER_MS)) {
        this.#lost = `no longer answers (${reasonIn(stats)})`;
        return undefined;
      }
      await sleep(ASK_EVERY_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.load[Symbol.dispose]();
    await this.process?.[Symbol.asyncDispose]();
  }
}

/** What an engine said of itself and its worker, some time between `askedAt` and `saidAt`. */
interface Seen {
  readonly askedAt: Millis;
  readonly saidAt: Millis;
  readonly uptimeS: number;
  readonly worker: SeenWorker;
}

export interface SeenWorker {
  readonly state: string;
  /** Why it is not up; empty where the engine does not say. */
  readonly detail: string;
  /** Another one for each process; empty while none was there, and of a worker without sessions. */
  readonly instance: string;
}

function seenIn(
  { uptimeSeconds: uptimeS, workerState: state, workerDetail: detail, worker }: StatsReply__Output,
  askedAt: Millis,
): Seen {
  return { askedAt, saidAt: now(), uptimeS, worker: { state, detail, instance: worker?.instance ?? "" } };
}

/** What became of the worker between two looks, as the middle of a sentence; undefined: nothing. */
export function workerChange(
  before: SeenWorker,
  { state, detail, instance }: SeenWorker,
): string | undefined {
  if (state === "down" || state === "draining") {
    if (before.state === state) return undefined;
    return state === "down" ? `was gone${detail && ` (${detail})`}` : "was about to stop";
  }
  const wasThere = before.instance !== "" && before.state !== "down";
  return wasThere && before.instance !== instance ? "was started again" : undefined;
}

function workerOf({ worker }: StatsReply__Output): WorkerIdentity {
  return {
    endpoint: null,
    startedByBench: false,
    backend: worker?.backend || null,
    model: worker?.model || null,
    simulated: worker?.simulated ?? null,
  };
}
