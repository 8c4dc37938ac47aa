import { flag, wholeNumber } from "../setting.ts";
import type { Millis } from "../time.ts";
import { defineMode, IDLE, type Policy, upTo } from "./mode.ts";

/** Requests are gathered into batches: one leaves when it is full, or when its first request has waited the window out. */
export const microBatch = defineMode({
  name: "micro_batch",
  summary: "in batches",
  settings: {
    BATCH_WINDOW_MS: wholeNumber(
      0,
      60_000,
      10,
      "micro_batch: how long the first request of a batch waits for others",
    ),
    MAX_BATCH_SIZE: wholeNumber(1, 1024, 4, "micro_batch: a batch of this size leaves without waiting"),
    BATCHES_IN_FLIGHT: wholeNumber(1, 1024, 1, "micro_batch: batches at the worker at once"),
    BATCH_WHEN_IDLE: flag(
      false,
      "micro_batch: let a batch leave before its window ends when nothing of this mode is at the worker",
    ),
  },
  reasons: {
    full: "the batch was full",
    window: "its first request had waited the window out",
    idle: "nothing was at the worker",
  },
  isWindowed: true,
  tellsQueueWait: true,
  policy: ({ BATCH_WINDOW_MS, MAX_BATCH_SIZE, BATCHES_IN_FLIGHT, BATCH_WHEN_IDLE }) =>
    gatherBatches({
      windowMs: BATCH_WINDOW_MS,
      maxSize: MAX_BATCH_SIZE,
      batchesInFlight: BATCHES_IN_FLIGHT,
      whenIdle: BATCH_WHEN_IDLE,
    }),
  law: ({ BATCH_WINDOW_MS, MAX_BATCH_SIZE, BATCHES_IN_FLIGHT, BATCH_WHEN_IDLE }) => ({
    maxRunning: Infinity,
    maxGroup: MAX_BATCH_SIZE,
    maxGroups: BATCHES_IN_FLIGHT,
    fullAt: MAX_BATCH_SIZE,
    windowMs: BATCH_WINDOW_MS,
    whenIdle: BATCH_WHEN_IDLE,
    reasons: BATCH_WHEN_IDLE ? ["full", "window", "idle"] : ["full", "window"],
  }),
  shape: ({ MAX_BATCH_SIZE, BATCH_WINDOW_MS }) => `of ${MAX_BATCH_SIZE}, window ${BATCH_WINDOW_MS} ms`,
  candidates: (rows) =>
    upTo(rows, [4, 16, 32]).flatMap((MAX_BATCH_SIZE) =>
      [0, 10, 50].map((BATCH_WINDOW_MS) => ({ MAX_BATCH_SIZE, BATCH_WINDOW_MS }))
    ),
});

export interface BatchOptions {
  /** Counted from the arrival of the longest-waiting request. */
  readonly windowMs: Millis;
  readonly maxSize: number;
  /** Batches at the worker at once. */
  readonly batchesInFlight: number;
  /** Let a batch leave before its window ends when nothing is at the worker. @default false */
  readonly whenIdle?: boolean;
}

/** While `batchesInFlight` batches are out the queue goes on filling, and what is due by then leaves when one comes back. */
export function gatherBatches(
  { windowMs, maxSize, batchesInFlight, whenIdle = false }: BatchOptions,
): Policy<"full" | "window" | "idle"> {
  return {
    decide({ depth, groupsInFlight, oldestReceivedAt }, now) {
      if (depth === 0 || groupsInFlight >= batchesInFlight) return IDLE;
      if (depth >= maxSize) return { kind: "dispatch", take: maxSize, reason: "full" };
      const dueAt = oldestReceivedAt + windowMs;
      if (now >= dueAt) return { kind: "dispatch", take: depth, reason: "window", dueAt };
      if (whenIdle && groupsInFlight === 0) return { kind: "dispatch", take: depth, reason: "idle" };
      return { kind: "wait", until: dueAt };
    },
  };
}
