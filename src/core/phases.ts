import type { Millis, PhaseInstants, WorkerReply } from "./types.ts";
import type { Run } from "./run.ts";

/**
 * When a request that ends `now` passed from phase to phase. Where no tokens were seen on their way (an answer in
 * one piece), the worker's own latency and TTFT place the first; what is left of the call was the way there and back.
 */
export function phases(
  queuedAt: Millis,
  run: Pick<Run, "placeAt" | "dispatchedAt" | "firstTokenAt" | "progressAt"> | undefined,
  { workerLatencyMs, ttftMs }: WorkerReply,
  now: Millis,
): PhaseInstants {
  if (!run) return { queuedAt, placeAt: now, dispatchedAt: now, firstTokenAt: now, lastTokenAt: now };
  const { placeAt, dispatchedAt, firstTokenAt, progressAt } = run;
  if (firstTokenAt !== undefined) {
    return { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt: progressAt };
  }
  const decodeMs = Math.max(0, workerLatencyMs - ttftMs);
  const estimate = Math.max(dispatchedAt, now - decodeMs);
  return { queuedAt, placeAt, dispatchedAt, firstTokenAt: estimate, lastTokenAt: now };
}
