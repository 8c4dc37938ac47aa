import type { ErrorCode } from "../core/errors.ts";
import type { Ledger } from "../core/ledger.ts";
import type { Answer, Dispatch, Millis, Mode, Submission, Ticket, WorkerFailure } from "../core/types.ts";

/** The protocol that a request came in by. */
export type Transport = "grpc" | "http";

/** How a request ended: well, as the worker failed it, or as the engine turned it away. */
export type EndStatus = "ok" | WorkerFailure | ErrorCode;

/** A request's part of a distributed trace. */
export interface RequestTrace {
  /** W3C trace context of the engine's span. */
  readonly traceparent: string;
}

/** A request that the scheduler has and that has not ended; its fields move as it does. */
export interface OpenRequest {
  readonly ticket: Ticket;
  readonly transport: Transport;
  readonly mode: Mode;
  readonly submission: Submission;
  /** The dispatch of its latest sending; undefined while it waits. */
  dispatch: Dispatch | undefined;
  /** Seen on their way; of an answer in one piece none are. */
  firstTokenAt: Millis | undefined;
  tokens: number;
  /** Undefined when it is not traced. */
  readonly trace: RequestTrace | undefined;
}

/** The one end of a request that came in, whether or not the scheduler ever had it. */
export interface RequestEnd {
  readonly transport: Transport;
  readonly mode: Mode;
  /** Empty when it is not known. */
  readonly tenantId: string;
  readonly status: EndStatus;
  readonly receivedAt: Millis;
  /** When the answer leaves, or the request is refused. */
  readonly endedAt: Millis;
  /** Tokens that were made for it, as far as anybody saw; also where it failed or was left in the end. */
  readonly outputTokens: number;
  /** Undefined when it was turned away before the scheduler had it. */
  readonly request: OpenRequest | undefined;
  /** Undefined when the engine turned it away, or its caller left. */
  readonly answer: Answer | undefined;
  /** The group in which it left for the worker that answered; undefined when there is no answer, or no worker for it. */
  readonly dispatch: Dispatch | undefined;
  /** The parts of its time; undefined without an answer. */
  readonly ledger: Ledger | undefined;
  readonly trace: RequestTrace | undefined;
}

/** The end of a request that a worker has answered, well or with a failure: what every kind of reply is made of. */
export interface AnsweredEnd extends RequestEnd {
  readonly request: OpenRequest;
  readonly answer: Answer;
  readonly ledger: Ledger;
}

/** Is called for every request, on the main thread. Its methods must be quick and must not throw. */
export interface Observer {
  /** The scheduler has the request. */
  accepted?(request: OpenRequest): void;
  /** A group left for the worker; members whose callers have gone meanwhile are missing. */
  dispatched?(notice: Dispatch, members: readonly OpenRequest[]): void;
  ended?(end: RequestEnd): void;
}
