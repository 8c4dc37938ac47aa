import { type AddressedReply, failedReply, type Ticket, type WorkerReply } from "../types.ts";

/** The id a request carries to the worker: the caller's, made unique, so that equal ids of two callers never meet. */
export function wireId(requestId: string, ticket: Ticket): string {
  return `${requestId}#${ticket}`;
}

export interface Correlated {
  /** The one reply to an id that was sent. */
  replyTo(wireId: string): WorkerReply;
  /** How many of the worker's replies fitted no request of the group. */
  readonly unknown: number;
}

/**
 * Gives each id that was sent exactly one reply, by id and never by position. An id without a reply gets
 * `worker_internal_error`, and so does an id with several: nobody can tell which of them is the caller's own.
 */
export function correlate(sent: readonly string[], received: readonly AddressedReply[]): Correlated {
  const replies = new Map<string, WorkerReply>();
  for (const reply of received) replies.set(reply.wireId, replies.has(reply.wireId) ? DOUBLED : reply);
  const known = sent.filter((id) => replies.has(id)).length;
  return { replyTo: (id) => replies.get(id) ?? MISSING, unknown: replies.size - known };
}

const DOUBLED = failedReply(
  "worker_internal_error",
  "the worker answered this request more than once in one call",
);
const MISSING = failedReply("worker_internal_error", "the worker's answer left this request out");
