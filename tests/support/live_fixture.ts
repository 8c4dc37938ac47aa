import type { LiveBatch, LiveHello, LivePoint, LiveTick } from "../../src/observe/live/live_types.ts";

/** What the engine would tell, with only what a test cares about. */
export function pointAt(at: number, fields: Partial<LivePoint> = {}): LivePoint {
  const none = { p50: null, p95: null, p99: null };
  return {
    at,
    arrived: 0,
    ended: 0,
    failed: 0,
    outputTokens: 0,
    queueDepth: 0,
    inFlight: 0,
    batches: 0,
    batchedRequests: 0,
    ttft: none,
    tpot: none,
    e2e: none,
    workerState: "up",
    kvUsage: 0,
    ...fields,
  };
}

export function batchOf(id: number, fields: Partial<LiveBatch> = {}): LiveBatch {
  const waitsMs = fields.waitsMs ?? [0];
  return {
    id,
    mode: "micro_batch",
    reason: "full",
    size: waitsMs.length,
    capacity: 4,
    leftAt: id * 100,
    endedAt: null,
    lateMs: 0,
    waitsMs,
    ...fields,
  };
}

export function tickOf(point: LivePoint, batches: readonly LiveBatch[] = []): LiveTick {
  return {
    now: point.at,
    point,
    batches,
    requests: [],
    totals: { accepted: 0, ok: 0, failed: {}, retried: 0, inputTokens: 0, outputTokens: 0, batches: 0 },
    worker: {
      state: "up",
      detail: "",
      backend: "sim",
      model: "m",
      simulated: true,
      maxRows: 4,
      running: 0,
      waiting: 0,
      kvUsage: 0,
      restarts: 0,
    },
    health: { state: "ok", why: "The worker is up." },
    window: {
      verdict: "idle",
      why: "Too few.",
      batches: 0,
      meanSize: 0,
      fullShare: 0,
      aloneShare: 0,
      meanBatchWaitMs: 0,
    },
  };
}

export function helloOf(
  history: readonly LivePoint[],
  tick: LiveTick,
  batches: readonly LiveBatch[] = [],
): LiveHello {
  return { startedAt: 0, now: tick.now, settings: {}, modes: [], modeHints: false, history, batches, tick };
}
