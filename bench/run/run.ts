import { join } from "node:path";
import { runClosedLoop } from "./closed_loop.ts";
import { EngineProcess, untilReady } from "./engine_process.ts";
import { type RunEnvironment, surroundings } from "./environment.ts";
import { CONNECTIONS, EngineLoad } from "./load.ts";
import { limitsOf, type RunOptions } from "./options.ts";
import { showLevel } from "./progress.ts";
import { Recorder } from "./recorder.ts";
import type { Level, Sample, WorkItem } from "./sample.ts";
import { benchWorker } from "./worker.ts";
import { workload } from "./workload.ts";

/** Enough to open connections and fill caches; the requests are short, for no figure comes of them. */
const WARMUP_TOKENS = 8;
const LEAST_WARMUP_REQUESTS = 4;

const ENGINE_READY_WITHIN_MS = 15_000;
const TARGET_READY_WITHIN_MS = 3_000;

/**
 * Measures all that `options` ask for and leaves the recording in `folder`. Returns what went wrong on the way, as
 * complete lines; failed requests are no problem but part of the recording.
 * @throws {StartupError} when a setting is wrong
 * @throws {SetupError} when a worker or an engine can't be had
 * @throws an abort when `stop` fires before there is one
 */
export async function run(
  options: RunOptions,
  folder: string,
  stop: AbortSignal,
): Promise<readonly string[]> {
  const { target } = options;
  return await (target === undefined
    ? measureModes(options, folder, stop)
    : measureTarget(options, target, folder, stop));
}

/** Every mode in turn against one worker, an engine process for each. */
async function measureModes(options: RunOptions, folder: string, stop: AbortSignal): Promise<string[]> {
  const problems: string[] = [];
  await using worker = await benchWorker(options.engine, folder, stop);
  const settings = { ...options.engine.settings, WORKER_ENDPOINT: worker.identity.endpoint };
  const { ENGINE_MODE: _mode, BIND_HOST: _host, BIND_PORT: _port, ...engineSettings } = settings;
  const environment = await describe(options, options.modes);
  using recorder = new Recorder(folder, { ...environment, engine: engineSettings, worker: worker.identity });
  for (const mode of options.modes) {
    if (stop.aborted) break;
    const logFile = join(folder, `engine-${mode}.log`);
    await using engine = await EngineProcess.start(settings, mode, logFile);
    using load = new EngineLoad(engine.address, options.timeout * 1000);
    await untilReady(load, `the ${mode} engine`, ENGINE_READY_WITHIN_MS, stop);
    await runLevels(options, mode, load, recorder, stop, () => engine.exitCode === undefined);
    if (engine.exitCode !== undefined && !stop.aborted) {
      problems.push(
        `the ${mode} engine ended with code ${engine.exitCode} under load; its log: ${logFile}`,
      );
    }
  }
  return problems;
}

/** An engine that is already running, in the mode that it says it is in. */
async function measureTarget(
  options: RunOptions,
  target: string,
  folder: string,
  stop: AbortSignal,
): Promise<string[]> {
  using load = new EngineLoad(target, options.timeout * 1000);
  const mode = await untilReady(load, `the engine at ${target}`, TARGET_READY_WITHIN_MS, stop);
  using recorder = new Recorder(folder, { ...await describe(options, [mode]), target });
  await runLevels(options, mode, load, recorder, stop, () => true);
  return [];
}

async function runLevels(
  options: RunOptions,
  mode: string,
  load: EngineLoad,
  recorder: Recorder,
  stop: AbortSignal,
  alive: () => boolean,
): Promise<void> {
  const { seed, "max-tokens": maxTokens, stream } = options;
  const send = (item: WorkItem) => stream ? load.stream(item, stop) : load.send(item, stop);
  for (const concurrency of options.concurrency) {
    if (stop.aborted || !alive()) return;
    const level: Level = { mode, concurrency };
    const limits = limitsOf(options, concurrency);
    using progress = showLevel(level, limits);
    const record = (sample: Sample) => {
      recorder.sample(sample);
      progress.sample(sample);
    };
    await runClosedLoop({
      level,
      phase: "warmup",
      work: whileTrue(alive, workload({ seed: seed + 1, maxTokens: Math.min(WARMUP_TOKENS, maxTokens) })),
      requests: Math.max(LEAST_WARMUP_REQUESTS, concurrency),
      durationMs: Infinity,
      send,
      record,
      stop,
    });
    progress.start();
    await runClosedLoop({
      level,
      phase: "measured",
      work: whileTrue(alive, workload({ seed, maxTokens })),
      ...limits,
      send,
      record,
      stop,
    });
  }
}

/** Ends when the engine is gone: what is under way fails by itself, and nothing more is asked. */
function* whileTrue<T>(condition: () => boolean, items: Iterable<T>): Generator<T> {
  for (const item of items) {
    if (!condition()) return;
    yield item;
  }
}

async function describe(options: RunOptions, modes: readonly string[]): Promise<RunEnvironment> {
  const finite = (value: number) => Number.isFinite(value) ? value : null;
  return {
    startedAt: new Date().toISOString(),
    ...await surroundings(),
    engine: null,
    target: null,
    worker: null,
    workload: { seed: options.seed, maxTokens: options["max-tokens"] },
    load: {
      kind: "closed loop",
      connections: CONNECTIONS,
      timeoutMs: options.timeout * 1000,
      streamed: options.stream,
      levels: modes.flatMap((mode) =>
        options.concurrency.map((concurrency) => {
          const { requests, durationMs } = limitsOf(options, concurrency);
          return { mode, concurrency, requests: finite(requests), durationMs: finite(durationMs) };
        })
      ),
    },
  };
}
