/** A request from its acceptance to its one end, and each of its sendings to a worker. */
import {
  type Dispatch,
  failedReply,
  type Millis,
  type Mode,
  type PhaseInstants,
  type SequenceId,
  type Submission,
  type Ticket,
  type WorkerId,
  type WorkerReply,
  type WorkerResult,
} from "./types.ts";
import type { Queueable } from "./order.ts";

/** A request that was accepted and has not settled. */
export interface Entry extends Queueable<Entry> {
  readonly ticket: Ticket;
  readonly submission: Submission;
  /** The mode that schedules it. */
  readonly mode: Mode;
  readonly queuedAt: Millis;
  /** Sendings so far. */
  attempts: number;
  /** Sendings so far that count against WORKER_TRIES. */
  tries: number;
  /** Nothing else was at its worker during its last sending. */
  wasAlone: boolean;
  /** Of a suspect (see `suspects.ts`): the most requests that may be at a worker together with it, itself included. */
  mayRunAmong: number | undefined;
  /** Undefined while it waits. */
  run: Run | undefined;
}

/** One sending of one request to a worker. */
export interface Run {
  readonly sequence: SequenceId;
  readonly worker: WorkerId;
  /** The caller's id made unique, so that equal ids of two callers never meet at the worker. */
  readonly wireId: string;
  readonly submission: Submission;
  /** What was left of the caller's deadline at the dispatch. */
  readonly remainingMs: Millis | undefined;
  readonly group: Group;
  readonly placeAt: Millis;
  readonly dispatchedAt: Millis;
  firstTokenAt: Millis | undefined;
  /** When it last got something: its dispatch, then its tokens. */
  progressAt: Millis;
  tokens: number;
}

export type RunningEntry = Entry & { run: Run };

/** Requests that left the queue together. */
export interface Group {
  readonly dispatch: Dispatch;
  /** Members at the worker. */
  left: number;
}

export function newEntry(ticket: Ticket, submission: Submission, mode: Mode, queuedAt: Millis): Entry {
  return {
    ticket,
    submission,
    mode,
    queuedAt,
    attempts: 0,
    tries: 0,
    wasAlone: false,
    mayRunAmong: undefined,
    run: undefined,
    previous: undefined,
    next: undefined,
  };
}

export function wireId(requestId: string, ticket: Ticket): string {
  return `${requestId}#${ticket}`;
}

/** The reply if it is this run's own and whole, else the failure that stands in for it. */
export function checkedReply(
  { reply, streamed = reply.outputTokens }: WorkerResult,
  { wireId, tokens, submission: { stream } }: Pick<Run, "wireId" | "tokens" | "submission">,
): WorkerReply {
  if (reply.wireId !== wireId) {
    return failedReply("worker_internal_error", "the worker's answer carries the id of another request");
  }
  if (stream && reply.status === "ok" && streamed !== tokens) {
    const message = `the worker's stream was not whole: ${tokens} of ${streamed} tokens came`;
    return failedReply("worker_internal_error", message);
  }
  return reply;
}

/**
 * When a request that ends `now` passed from phase to phase. Where no tokens were seen on their way (an answer in
 * one piece), the worker's own latency and TTFT place the first; what is left of the call was the way there and back.
 */
export function phaseInstants(
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
