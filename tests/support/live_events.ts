/** The events of `/live` as an engine under load sends them, for tests. */
import { parseSettings } from "../../src/config/parse.ts";
import type { LiveBatch, LiveHello, LivePoint, LiveRequest, LiveTick } from "../../src/live/feed.ts";
import { liveModes } from "../../src/observe/live/live_record.ts";

const SETTINGS = {
  ENGINE_MODE: "micro_batch",
  MAX_BATCH_SIZE: 8,
  BATCH_WINDOW_MS: 20,
  BATCHES_IN_FLIGHT: 1,
  BATCH_WHEN_IDLE: false,
  QUEUED_CONCURRENCY: 1,
  MAX_CONCURRENT_STREAMS: 0,
} as const;

export const STARTED_AT = 1_800_000_000_000;

/** The second that ends `second` s after the start; its load goes up and down. */
export function pointAt(second: number, more: Partial<LivePoint> = {}): LivePoint {
  const load = 1 + Math.sin(second / 20);
  return {
    at: STARTED_AT + second * 1000,
    arrived: Math.round(6 * load),
    ended: Math.round(6 * load),
    failed: 0,
    outputTokens: Math.round(240 * load),
    queueDepth: Math.round(3 * load),
    inFlight: Math.round(8 * load),
    batches: 2,
    batchedRequests: Math.round(6 * load),
    ttft: { p50: 82.4, p95: 141, p99: 212 },
    tpot: { p50: 12.1, p95: 14.4, p99: 19.9 },
    e2e: { p50: 812, p95: 1430, p99: null },
    workerState: "up",
    kvUsage: 0.12,
    ...more,
  };
}

/** Every third one is full. */
export function batchAt(second: number, id: number, runs = false): LiveBatch {
  const size = id % 3 === 0 ? 8 : id % 3;
  const leftAt = STARTED_AT + second * 1000;
  return {
    id,
    mode: "micro_batch",
    reason: size === 8 ? "full" : "window",
    size,
    capacity: 8,
    leftAt,
    endedAt: runs ? null : leftAt + 640,
    lateMs: 0.31,
    waitsMs: Array.from({ length: size }, (_, index) => 20 - index * 2.5),
  };
}

export function requestAt(index: number, more: Partial<LiveRequest> = {}): LiveRequest {
  const phase = (["decode", "prefill", "queued"] as const)[index % 3] ?? "running";
  return {
    requestId: `req-${index}`,
    tenantId: index % 2 ? "alice" : "bob",
    door: index % 2 ? "http" : "grpc",
    mode: "micro_batch",
    stream: index % 2 === 1,
    phase,
    ageMs: 2000 - index * 150,
    waitedMs: 12.5,
    maxTokens: 128,
    tokens: phase === "decode" ? 37 : 0,
    ...more,
  };
}

export function tickAt(second: number, more: Partial<LiveTick> = {}): LiveTick {
  return {
    now: STARTED_AT + second * 1000 + 12,
    point: pointAt(second),
    batches: [
      batchAt(second - 1.1, second * 2 - 1),
      batchAt(second - 0.9, second * 2),
      batchAt(second - 0.1, second * 2 + 1, true),
    ],
    requests: Array.from({ length: 12 }, (_, index) => requestAt(index)),
    totals: {
      accepted: second * 6,
      ok: second * 6 - 5,
      failed: { worker_timeout: 3, resource_exhausted: 12 },
      retried: 1,
      inputTokens: second * 40,
      outputTokens: second * 240,
      batches: second * 2,
    },
    worker: {
      state: "up",
      detail: "",
      backend: "openvino",
      model: "smollm2-135m",
      simulated: false,
      maxRows: 8,
      running: 6,
      waiting: 0,
      kvUsage: 0.12,
      restarts: 0,
    },
    health: { state: "ok", why: "Requests are answered, and none failed in the last minute." },
    window: {
      verdict: "pays",
      why:
        "96 batches of 5.2 requests; a request waited 9.8 ms for others, and 41 % of the batches left full.",
      batches: 96,
      meanSize: 5.2,
      fullShare: 0.41,
      aloneShare: 0.1,
      meanBatchWaitMs: 9.8,
    },
    ...more,
  };
}

/** After so many seconds. */
export function helloAt(second: number, more: Partial<LiveTick> = {}): LiveHello {
  const tick = tickAt(second, more);
  return {
    startedAt: STARTED_AT,
    now: tick.now,
    settings: SETTINGS,
    mode: SETTINGS.ENGINE_MODE,
    modes: liveModes({ ...parseSettings([], {}).settings, ...SETTINGS }),
    modeHints: true,
    history: Array.from({ length: Math.min(second, 900) }, (_, index) => pointAt(second - index)).reverse(),
    batches: Array.from(
      { length: Math.min(second * 2, 20) },
      (_, index) => batchAt(second - 10 + index / 2, second * 2 - 20 + index),
    ),
    tick,
  };
}

/** As the engine sends it. */
export function sse(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
