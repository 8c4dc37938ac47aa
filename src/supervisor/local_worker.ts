import { setTimeout as delay } from "node:timers/promises";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import { workerCredentials } from "../workers/worker_credentials.ts";
import { WorkerHealth } from "../workers/worker_health.ts";
import { messageOf, StartupError } from "../core/errors.ts";
import type { Millis } from "../core/types.ts";
import { type Command, describeExit } from "./child.ts";
import type { WorkerPlan } from "./plan.ts";
import { prepareWorker } from "./prepare.ts";
import type { Progress } from "./progress.ts";
import { SetupError } from "./setup_error.ts";
import { type WorkerIdentity, WorkerProcess } from "./worker_process.ts";

const log = getLogger(["omnispan", "supervisor"]);

/** A model from a hub is fetched during the start; the built-in one is there before. */
const START_TIMEOUT_MS = 60 * 60_000;
const BUILT_IN_START_TIMEOUT_MS = 10 * 60_000;
const HEALTH_INTERVAL_MS = 50;
const HEALTH_TIMEOUT_MS = 2000;
/** How long a worker that does not serve yet has to end: it may be loading a model, and has no request to finish. */
const UNREADY_GRACE_MS = 500;
/** How long a worker that listens may leave health checks unanswered. */
const REACH_MS = 30_000;
/** The worker's exit code when a setting is wrong. */
const WRONG_SETTING = 2;
/** So many ends in a row, each soon after its start, are a crash loop. */
const CRASH_LOOP = 3;

/** Waits between restarts double from the first to the longest. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** After a worker that served this long the waits begin anew. */
const SOUND_AFTER_MS = 30_000;
/** One step of a model can delay a worker's answer by a second or two, never by all of this. */
const PATIENCE: Patience = { everyMs: 2000, timeoutMs: 3000, misses: 3 };

/** The worker that serve sets up, starts, and starts again whenever it ends. */
export class LocalWorker implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #credentials: ChannelCredentials;
  #process: WorkerProcess | undefined;
  #supervision: Promise<void> = Promise.resolve();
  #restarts = 0;
  #problem = "";

  constructor(private readonly plan: WorkerPlan, private readonly progress: Progress) {
    this.#credentials = workerCredentials(plan.tls);
  }

  /**
   * Sets the worker up if needed, starts it and resolves when its model has answered once. From then on it is started
   * again when it ends.
   * @throws {StartupError} when a setting is wrong
   * @throws {SetupError} when something else is
   */
  async start(signal: AbortSignal): Promise<WorkerIdentity> {
    const command = await prepareWorker(this.plan, this.progress, signal);
    const { backend, model } = this.plan;
    const { process, identity } = await this.progress.step(
      `starting the worker (${model ? `${backend}, ${model}` : backend})`,
      () => this.#launch(command, signal),
    );
    this.#supervision = this.#keepUp(command, { process, identity });
    return identity;
  }

  /** How often it has been started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why it does not serve; empty while it does. */
  get problem(): string {
    return this.#problem;
  }

  /** Kills the worker. */
  kill(): void {
    this.#process?.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#process?.[Symbol.asyncDispose]();
    await this.#supervision;
  }

  /** Starts the worker and waits until it serves; a worker that fails to is ended. */
  async #launch(command: Command, signal: AbortSignal): Promise<Serving> {
    signal.throwIfAborted();
    const process = this.#process = new WorkerProcess(command, (line) => this.progress.workerLine(line));
    log.info("the worker runs as process {pid}", { pid: process.pid });
    const timeoutMs = this.plan.builtInFormat ? BUILT_IN_START_TIMEOUT_MS : START_TIMEOUT_MS;
    const settled = new AbortController();
    try {
      const identity = await Promise.race([
        serving(process, this.#credentials, settled.signal),
        ended(process),
        tooLong(timeoutMs, AbortSignal.any([signal, settled.signal])),
      ]);
      return { process, identity };
    } catch (thrown) {
      await process.stop(UNREADY_GRACE_MS);
      throw thrown;
    } finally {
      settled.abort();
    }
  }

  async #keepUp(command: Command, first: Serving): Promise<void> {
    const { signal } = this.#stopping;
    let serving: Serving | undefined = first;
    let waitMs: Millis | undefined;
    let crashes = 0;
    while (!signal.aborted) {
      let servedMs = 0;
      if (serving) {
        const since = performance.now();
        const how = await this.#end(serving);
        if (signal.aborted) return;
        servedMs = performance.now() - since;
        this.#problem =
          `the worker ended with ${how} after serving ${Math.round(servedMs)} ms; its last line: ` +
          serving.process.lastLine;
        log.error("{problem}", { problem: this.#problem });
      }
      crashes = servedMs < SOUND_AFTER_MS ? crashes + 1 : 0;
      waitMs = nextBackoff(waitMs, servedMs);
      this.#restarts++;
      if (crashes >= CRASH_LOOP) this.#reportCrashLoop(crashes);
      log.warn("the worker starts again in {waitMs} ms (restart {restart})", {
        waitMs,
        restart: this.#restarts,
      });
      try {
        await delay(waitMs, undefined, { signal });
        serving = await this.#launch(command, signal);
        this.#problem = "";
        log.info("the worker serves again (restart {restart})", { restart: this.#restarts });
      } catch (thrown) {
        if (signal.aborted) return;
        serving = undefined;
        this.#problem = `the worker did not come up again: ${messageOf(thrown)}`;
        log.error("{problem}", { problem: this.#problem });
      }
    }
  }

  /** Resolves with how the worker ended. A worker that lives but answers no health check is killed. */
  async #end({ process, identity }: Serving): Promise<string> {
    const over = new AbortController();
    hung(identity.address, this.#credentials, AbortSignal.any([over.signal, this.#stopping.signal])).then(
      () => {
        log.error("the worker (process {pid}) lives but answers no health check: it is killed", {
          pid: process.pid,
        });
        process.kill();
      },
      () => {},
    );
    const status = await process.exited;
    over.abort();
    return describeExit(status);
  }

  #reportCrashLoop(crashes: number): void {
    this.#problem =
      `crash loop: ${crashes} ends in a row, each within ${SOUND_AFTER_MS / 1000} s of its start; ` +
      this.#problem;
    log.error("{problem}", { problem: this.#problem });
  }
}

/** A worker that serves, and what it reported. */
interface Serving {
  readonly process: WorkerProcess;
  readonly identity: WorkerIdentity;
}

/** Resolves when the worker's health says that it serves; rejects when it listens and can't be reached. */
async function serving(
  process: WorkerProcess,
  credentials: ChannelCredentials,
  signal: AbortSignal,
): Promise<WorkerIdentity> {
  const identity = await process.listening;
  using health = new WorkerHealth(identity.address, credentials);
  for (let answeredAt = performance.now();;) {
    const answer = await health.check(HEALTH_TIMEOUT_MS);
    if (answer.health === "serving") return identity;
    if (answer.health !== "unreachable") answeredAt = performance.now();
    else if (performance.now() - answeredAt > REACH_MS) {
      throw new SetupError([
        `the worker listens at ${identity.address} and can't be reached: ${answer.detail}`,
      ]);
    }
    await delay(HEALTH_INTERVAL_MS, undefined, { signal });
  }
}

/** Rejects when the worker has ended. */
async function ended(process: WorkerProcess): Promise<never> {
  const status = await process.exited;
  const lastLine = process.lastLine.replace(/^worker: /, "");
  if (status.code === WRONG_SETTING) throw new StartupError([`the worker refused its settings: ${lastLine}`]);
  throw new SetupError([`the worker ended with ${describeExit(status)} before it was ready: ${lastLine}`]);
}

/** Rejects when the time is over, or when the signal fires. */
async function tooLong(timeoutMs: Millis, signal: AbortSignal): Promise<never> {
  await delay(timeoutMs, undefined, { signal });
  throw new SetupError([`the worker was not ready within ${timeoutMs / 60_000} minutes`]);
}

/** How long to wait before the next start, given the wait before the last one and how long that one served. */
export function nextBackoff(previousMs: Millis | undefined, servedMs: Millis): Millis {
  if (previousMs === undefined || servedMs >= SOUND_AFTER_MS) return FIRST_WAIT_MS;
  return Math.min(previousMs * 2, LONGEST_WAIT_MS);
}

/** When a worker counts as hung. */
export interface Patience {
  /** The time between two health checks. */
  readonly everyMs: Millis;
  /** The time that a health check may take. */
  readonly timeoutMs: Millis;
  /** So many unanswered checks in a row are a hang. */
  readonly misses: number;
}

/** Resolves when a worker no longer answers health checks; rejects when the signal fires. */
export async function hung(
  address: string,
  credentials: ChannelCredentials,
  signal: AbortSignal,
  patience = PATIENCE,
): Promise<void> {
  using health = new WorkerHealth(address, credentials);
  for (let missed = 0; missed < patience.misses;) {
    const { health: answer } = await health.check(patience.timeoutMs);
    signal.throwIfAborted();
    missed = answer === "unreachable" ? missed + 1 : 0;
    if (missed < patience.misses) await delay(patience.everyMs, undefined, { signal });
  }
}
