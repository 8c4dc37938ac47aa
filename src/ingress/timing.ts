import { now } from "../clock.ts";
import type { Answer, Millis } from "../types.ts";

/** Where a request's time went. */
export interface Timing {
  readonly acceptMs: Millis;
  readonly queueMs: Millis;
  readonly batchMs: Millis;
  readonly dispatchMs: Millis;
  readonly prefillMs: Millis;
  readonly decodeMs: Millis;
  readonly replyMs: Millis;
}

/** Parts between instants that never fall, so that together they are exactly the end-to-end latency. */
export function toTiming(receivedAt: Millis, { phases, reply }: Answer, sentAt: Millis): Timing {
  const { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt } = phases;
  const untilFirstMs = firstTokenAt - dispatchedAt;
  // A failure has no first token: all that the worker took goes here.
  const prefillMs = Math.min(
    untilFirstMs,
    reply.ttftMs || (reply.status === "ok" ? 0 : reply.workerLatencyMs),
  );
  return {
    acceptMs: queuedAt - receivedAt,
    queueMs: placeAt - queuedAt,
    batchMs: dispatchedAt - placeAt,
    dispatchMs: untilFirstMs - prefillMs,
    prefillMs,
    decodeMs: lastTokenAt - firstTokenAt,
    replyMs: sentAt - lastTokenAt,
  };
}

/** Now, as the moment at which an answer leaves: the clocks of two threads differ by a little. */
export function leavesAt({ phases }: Answer): Millis {
  return Math.max(now(), phases.lastTokenAt);
}
