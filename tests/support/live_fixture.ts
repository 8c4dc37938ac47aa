import type { LiveBatch, LivePoint } from "../../src/live/feed.ts";

/** Records of the live feed, with only the fields that a test is about. */
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
