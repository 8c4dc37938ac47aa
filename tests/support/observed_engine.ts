/** What metrics and live feed read of an engine, for tests. */
import type { Settings } from "../../src/config/config.ts";
import { parseSettings } from "../../src/config/parse.ts";
import { OmnispanError } from "../../src/core/errors.ts";
import type { ThreadStats, WorkerStatus } from "../../src/core/types.ts";
import { Metrics, type MetricsOptions } from "../../src/observe/metrics/metrics.ts";

export const UP: WorkerStatus = {
  state: "up",
  detail: "",
  identity: {
    backend: "sim",
    model: "a40",
    simulated: true,
    capabilities: ["session"],
    maxRows: 32,
    contextTokens: 4096,
    instance: "first",
  },
  load: {
    running: 3,
    waiting: 1,
    kvUsage: 0.25,
    draining: false,
    steps: 100,
    rowSteps: 250,
    iterations: 120,
  },
};

export const STATS: ThreadStats = {
  accepted: 20,
  settled: 14,
  refused: 2,
  retried: 1,
  queueDepth: 4,
  fullestQueue: 3,
  queuedBytes: 900,
  inFlight: 2,
  dispatches: 9,
  dispatchedRequests: 16,
  lagsMs: [0.3, 1.7],
};

export function settingsOf(env: Readonly<Record<string, string>> = {}): Settings {
  return parseSettings([], { ENGINE_MODE: "micro_batch", ...env }).settings;
}

export function metricsOf(options: Partial<MetricsOptions> = {}): Metrics {
  return new Metrics({
    settings: settingsOf(),
    startedAt: 1_700_000_000_000,
    worker: () => UP,
    supervision: { restarts: 0, problem: "" },
    stats: () => Promise.resolve(STATS),
    lag: { take: () => [0.2] },
    ...options,
  });
}

/** As a scheduler that has ended answers. */
export function engineStopped(): Promise<never> {
  return Promise.reject(new OmnispanError("unavailable", "the engine is stopping"));
}
