/** What goes into the scheduler core, and what comes out of it. */
import type { ErrorCode } from "./errors.ts";
import type { Run } from "./run.ts";
import type {
  Answer,
  Dispatch,
  Millis,
  SequenceId,
  Submission,
  Ticket,
  TokenDelta,
  WorkerFailure,
  WorkerId,
  WorkerState,
  WorkerStep,
} from "./types.ts";

/** Everything that can happen to the scheduler. */
export type Event =
  | { readonly kind: "arrive"; readonly ticket: Ticket; readonly submission: Submission }
  | { readonly kind: "cancel"; readonly ticket: Ticket }
  /** The time asked for by `wake_at` has come. */
  | { readonly kind: "wake" }
  | WorkerEvent;

/** What can happen at one worker. */
export type WorkerEvent =
  | { readonly kind: "step"; readonly worker: WorkerId; readonly step: WorkerStep }
  /** The worker's runtime has worked since its last message, although no row got anything: on a long prompt. */
  | { readonly kind: "progress"; readonly worker: WorkerId }
  /** No more will come of these sequences, or without `sequences` of any that is at the worker. */
  | {
    readonly kind: "lost";
    readonly worker: WorkerId;
    readonly sequences?: readonly SequenceId[];
    readonly status: WorkerFailure;
    readonly message: string;
  }
  | {
    readonly kind: "worker";
    readonly worker: WorkerId;
    readonly state: WorkerState;
    readonly detail: string;
    /** Requests that a worker which is up runs at once, where it says so. */
    readonly maxRows?: number;
  };

/** Everything that the scheduler may want done, to be done in this order. */
export type Effect =
  | { readonly kind: "dispatch"; readonly group: DispatchGroup }
  /** Nobody waits for these any more: free their rows at the worker. */
  | { readonly kind: "cancel"; readonly worker: WorkerId; readonly sequences: readonly SequenceId[] }
  | { readonly kind: "delta"; readonly delta: TokenDelta }
  | { readonly kind: "settle"; readonly ticket: Ticket; readonly outcome: Outcome }
  | { readonly kind: "wake_at"; readonly time: Millis | undefined }
  /** The worker broke the contract; the callers are safe, the operator should know. */
  | { readonly kind: "warn"; readonly message: string };

export interface DispatchGroup {
  readonly dispatch: Dispatch;
  readonly members: readonly DispatchMember[];
  /** After this long nobody waits for an answer in one piece. */
  readonly timeoutMs: Millis;
}

/** One request of a group, as the worker's side needs it. */
export type DispatchMember = Pick<Run, "sequence" | "wireId" | "submission" | "remainingMs">;

/** The one end of a request. */
export type Outcome =
  | ({ readonly kind: "answered" } & Answer)
  | {
    readonly kind: "refused";
    readonly code: ErrorCode;
    readonly message: string;
    /** When it is worth to try again. */
    readonly retryAfterMs?: Millis;
  };

export interface CoreLimits {
  /** Requests that may wait, of each mode. */
  readonly queueCapacity: number;
  /** Bytes of the prompts that may wait, of each mode. */
  readonly queueBytes: number;
  /** How long a request may get nothing while the worker shows no progress with any. */
  readonly workerTimeoutMs: Millis;
  /** How long a request may get nothing whatever the worker does meanwhile; at least `workerTimeoutMs`. */
  readonly rowTimeoutMs: Millis;
  /** How long requests wait for a lost worker to come back. */
  readonly workerWaitMs: Millis;
  /** How often one request may be sent to a worker. */
  readonly maxAttempts: number;
  /** Refuse at once what can't be answered before its deadline, given its mode's queue and answers. */
  readonly refuseLate: boolean;
}
