/** The words that the engine's parts share. Imports nothing of ours. */

/** Milliseconds; as an instant, counted from the Unix epoch on the engine's steady clock (`clock.ts`). */
export type Millis = number;

/** The engine's own number of a request. Two callers may use one request id; they never share a ticket. */
export type Ticket = number;

/** The engine's number of a group sent to the worker in one call. */
export type DispatchId = number;

export const MODES = ["direct", "queued", "micro_batch"] as const;
export type Mode = (typeof MODES)[number];

/** Why a group left the queue when it did. */
export type DispatchReason = "direct" | "slot" | "full" | "window" | "idle";

/** A client's request after validation: what holds this type needs no further check. */
export interface Submission {
  readonly requestId: string;
  readonly tenantId: string;
  readonly prompt: string;
  readonly maxTokens: number;
  /** When the engine had the whole request. */
  readonly receivedAt: Millis;
  /** When the caller stops waiting. */
  readonly deadline?: Millis;
}

/** How a worker, or the way to it, can fail a request; a reply with such a status is still a reply. */
export const WORKER_FAILURES = [
  "worker_runtime_error",
  "worker_timeout",
  "worker_unavailable",
  "worker_cancelled",
  "worker_resource_exhausted",
  "worker_internal_error",
  "worker_transport_error",
] as const;
export type WorkerFailure = (typeof WORKER_FAILURES)[number];

/** The worker's answer to one request, or the failure that stands in for it. */
export interface WorkerReply {
  readonly status: "ok" | WorkerFailure;
  /** What happened, when status is not ok. */
  readonly errorMessage: string;
  readonly responseText: string;
  /** Counts of the model's tokenizer. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly workerLatencyMs: Millis;
  readonly ttftMs: Millis;
  readonly tpotMs: Millis;
}

/** A reply as it came over the wire, under the id the request was sent with. */
export interface AddressedReply extends WorkerReply {
  readonly wireId: string;
}

export function failedReply(status: WorkerFailure, errorMessage: string): WorkerReply {
  return {
    status,
    errorMessage,
    responseText: "",
    inputTokens: 0,
    outputTokens: 0,
    workerLatencyMs: 0,
    ttftMs: 0,
    tpotMs: 0,
  };
}

/** How a request left the queue. */
export interface DispatchRecord {
  readonly id: DispatchId;
  /** Requests in the group. */
  readonly size: number;
  readonly reason: DispatchReason;
  /** Engine receive to dispatch. */
  readonly queueWaitMs: Millis;
  /** Dispatch after the moment it was due: the scheduler's own delay. */
  readonly lateMs: Millis;
}

/** An accepted request that reached a worker call. */
export interface Answer {
  readonly reply: WorkerReply;
  readonly dispatch: DispatchRecord;
}

export interface SchedulerStats {
  readonly accepted: number;
  readonly settled: number;
  readonly refused: number;
  readonly queueDepth: number;
  /** Requests at the worker now. */
  readonly inFlight: number;
  readonly dispatches: number;
  readonly dispatchedRequests: number;
}

export type WorkerState = "up" | "down";
