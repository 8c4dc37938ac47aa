import type { Millis } from "../types.ts";
import { IDLE, type Policy } from "./policy.ts";

export interface MicroBatchOptions {
  /** Counted from the arrival of the longest-waiting request. */
  readonly windowMs: Millis;
  readonly maxSize: number;
  /** Groups at the worker at once. */
  readonly batchesInFlight: number;
  /** Let a group leave before its window ends when nothing is at the worker. @default false */
  readonly whenIdle?: boolean;
}

/**
 * Gathers requests into groups. A group leaves as soon as it is full, else when its first request has waited
 * the window out; while `batchesInFlight` groups are out the queue goes on filling, and what is due by then
 * leaves the moment one comes back.
 */
export function microBatch(
  { windowMs, maxSize, batchesInFlight, whenIdle = false }: MicroBatchOptions,
): Policy {
  return {
    decide(view, now) {
      if (view.depth === 0 || view.dispatchesInFlight >= batchesInFlight) return IDLE;
      if (view.depth >= maxSize) return { kind: "dispatch", take: maxSize, reason: "full" };
      const dueAt = view.oldestReceivedAt + windowMs;
      if (now >= dueAt) return { kind: "dispatch", take: view.depth, reason: "window", dueAt };
      if (whenIdle && view.dispatchesInFlight === 0) {
        return { kind: "dispatch", take: view.depth, reason: "idle" };
      }
      return { kind: "wait", until: dueAt };
    },
  };
}
