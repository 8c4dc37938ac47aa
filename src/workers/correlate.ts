import {
  type AddressedReply,
  failedReply,
  type SequenceId,
  type WorkerReply,
  type WorkerResult,
} from "../core/types.ts";

/** A request of a group, as it was sent. */
export interface Sent {
  readonly sequence: SequenceId;
  readonly wireId: string;
}

export interface Correlated {
  /** One for each request that was sent. */
  readonly results: WorkerResult[];
  /** How many of the worker's replies fitted no request of the group. */
  readonly unknown: number;
}

/**
 * Gives each request of a group exactly one reply, by id and never by position. A request without a reply gets
 * `worker_internal_error`, and so does one with several: nobody can tell which of them is the caller's own.
 */
export function correlate(sent: readonly Sent[], received: readonly AddressedReply[]): Correlated {
  const replies = new Map<string, WorkerReply>();
  for (const reply of received) replies.set(reply.wireId, replies.has(reply.wireId) ? DOUBLED : reply);
  let known = 0;
  const results = sent.map(({ sequence, wireId }) => {
    const reply = replies.get(wireId);
    if (reply) known++;
    return { sequence, reply: { ...(reply ?? MISSING), wireId } };
  });
  return { results, unknown: replies.size - known };
}

const DOUBLED = failedReply(
  "worker_internal_error",
  "the worker answered this request more than once in one call",
);
const MISSING = failedReply("worker_internal_error", "the worker's answer left this request out");
