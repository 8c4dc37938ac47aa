import { setTimeout as sleep } from "node:timers/promises";
import { now } from "../../src/clock.ts";
import type { Settings } from "../../src/config.ts";
import type { StatsReply__Output } from "../../src/grpc/generated/omnispan/StatsReply.ts";
import { type Millis, type Mode, MODES } from "../../src/types.ts";
import { EngineLoad, GrpcTransport } from "../load/engine_load.ts";
import type { Transport } from "../load/transport.ts";
import type { RunPlan, Variant } from "../plan.ts";
import type { WorkerIdentity } from "../record/environment.ts";
import { EngineProcess, untilReady } from "./engine_process.ts";

const READY_WITHIN_MS: Millis = 15_000;
const TARGET_READY_WITHIN_MS: Millis = 3_000;
const ASK_WITHIN_MS: Millis = 2_000;
const ASK_EVERY_MS: Millis = 50;

type Asked = Pick<RunPlan, "stream" | "timeoutMs">;

/** An engine that is ready, and the way to it. */
export class MeasuredEngine implements AsyncDisposable {
  private constructor(
    readonly transport: Transport,
    /** What the engine knows of its worker. */
    readonly worker: WorkerIdentity,
    /** Null: of another make. */
    readonly mode: Mode | null,
    /** How many sequences the worker runs at once; null where it does not say. */
    readonly workerRows: number | null,
    private readonly load: EngineLoad,
    private readonly process: EngineProcess | undefined,
    private readonly parts: AsyncDisposableStack,
  ) {}

  /**
   * Starts one for `variant`.
   * @throws {SetupError} when it ends or does not get ready; an abort when `stop` fires.
   */
  static async start(
    variant: Variant,
    settings: Settings,
    logFile: string,
    asked: Asked,
    stop: AbortSignal,
  ): Promise<MeasuredEngine> {
    await using parts = new AsyncDisposableStack();
    const process = parts.use(await EngineProcess.start(settings, variant, logFile));
    const who = `the engine of ${variant.name}`;
    return await MeasuredEngine.#at(
      process.address,
      who,
      READY_WITHIN_MS,
      process,
      asked,
      stop,
      parts.move(),
    );
  }

  /** One that runs already, in whatever mode it is. Throws as `start`. */
  static async running(target: string, asked: Asked, stop: AbortSignal): Promise<MeasuredEngine> {
    const parts = new AsyncDisposableStack();
    const who = `the engine at ${target}`;
    return await MeasuredEngine.#at(target, who, TARGET_READY_WITHIN_MS, undefined, asked, stop, parts);
  }

  static async #at(
    address: string,
    who: string,
    withinMs: Millis,
    process: EngineProcess | undefined,
    { stream, timeoutMs }: Asked,
    stop: AbortSignal,
    given: AsyncDisposableStack,
  ): Promise<MeasuredEngine> {
    await using parts = given;
    const load = parts.use(new EngineLoad(address, timeoutMs));
    const stats = await untilReady(load, who, withinMs, stop);
    const transport = new GrpcTransport(load, stream);
    const rows = stats.worker?.maxRows || null;
    const mode = MODES.find((known) => known === stats.mode) ?? null;
    return new MeasuredEngine(transport, workerOf(stats), mode, rows, load, process, parts.move());
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

  /** How the engine's process ended, as the rest of a sentence; undefined while it runs. */
  get gone(): string | undefined {
    if (this.process?.exitCode === undefined) return undefined;
    return `ended with code ${this.process.exitCode} under load; its log: ${this.process.logFile}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.disposeAsync();
  }
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
