import type { Answer, Millis } from "./types.ts";

/** The parts of a request's time, in their order; they follow each other without gap (docs/architecture.md). */
export const PHASES = ["accept", "queue", "batch", "dispatch", "prefill", "decode", "reply"] as const;
export type Phase = (typeof PHASES)[number];

/** The milliseconds of each part. */
export type Ledger = Readonly<Record<Phase, Millis>>;

/** Together exactly the time from `receivedAt` to `endedAt`, or to the last token if the clocks of two threads differ. */
export function ledgerOf(receivedAt: Millis, { phases, reply }: Answer, endedAt: Millis): Ledger {
  const { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt } = phases;
  const untilFirstMs = firstTokenAt - dispatchedAt;
  // A failure has no first token: all that the worker took goes here.
  const workerMs = reply.ttftMs || (reply.status === "ok" ? 0 : reply.workerLatencyMs);
  const prefill = Math.min(untilFirstMs, workerMs);
  return {
    accept: queuedAt - receivedAt,
    queue: placeAt - queuedAt,
    batch: dispatchedAt - placeAt,
    dispatch: untilFirstMs - prefill,
    prefill,
    decode: lastTokenAt - firstTokenAt,
    reply: Math.max(endedAt, lastTokenAt) - lastTokenAt,
  };
}
