/** The words that the engine's parts share. */
import type { DispatchReason, Mode } from "./modes/modes.ts";
import type { Millis } from "./time.ts";

export type { DispatchReason, Millis, Mode };

/** The engine's own number of a request. Two callers may use one request id; they never share a ticket. */
export type Ticket = number;

/** The engine's number of a group sent to the worker together. */
export type DispatchId = number;

/** The engine's number of one sending of one request; a request that is sent again gets a new one. */
export type SequenceId = number;

/** The engine's number of a worker that it is connected to. */
export type WorkerId = number;

/** How the answer is made where that differs from greedy up to max_tokens. */
export interface GenerationOptions {
  /** 0: greedy. */
  readonly temperature: number;
  /** 0: 1. */
  readonly topP: number;
  /** 0: all tokens. */
  readonly topK: number;
  readonly seed?: number;
  /** The answer ends before the first of these. */
  readonly stop: readonly string[];
  readonly ignoreEos: boolean;
  /** Neither the model nor a stop text ends the answer before. */
  readonly minTokens: number;
  /** From -2 to 2, for each time that a token is in the answer so far. */
  readonly frequencyPenalty: number;
  /** From -2 to 2, once for each token that is in the answer so far. */
  readonly presencePenalty: number;
  /** On tokens of the prompt and of the answer so far. 0: none. */
  readonly repetitionPenalty: number;
}

/** One turn of a conversation. */
export interface ChatMessage {
  /** "system", "user" or "assistant". */
  readonly role: string;
  readonly content: string;
}

/** A client's request after validation: what holds this type needs no further check. */
export interface Submission {
  readonly requestId: string;
  readonly tenantId: string;
  /** Empty when there are messages or tokens. */
  readonly prompt: string;
  /** The prompt as the model's tokens. */
  readonly promptTokens?: readonly number[];
  /** A conversation in place of a prompt. */
  readonly messages?: readonly ChatMessage[];
  /** The prompt goes to the model without a chat template. @default false */
  readonly rawPrompt?: boolean;
  /** Of the prompt or of all messages, in UTF-8; of tokens 4 each. */
  readonly promptBytes: number;
  readonly maxTokens: number;
  /** The mode that this request is scheduled by. @default the engine's */
  readonly mode?: Mode;
  /** W3C trace context of the span that the worker's part belongs to. */
  readonly traceparent?: string;
  /** Absent: all as if not given. */
  readonly options?: GenerationOptions;
  /** The caller wants the tokens as they are made. */
  readonly stream: boolean;
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
  /** Of a streamed request empty: its text has gone out in deltas. */
  readonly responseText: string;
  /** "stop", "length", or empty. */
  readonly finishReason: string;
  /** Counts of the model's tokenizer. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly workerLatencyMs: Millis;
  readonly ttftMs: Millis;
  readonly tpotMs: Millis;
  /** The failure is the request's own fault; to send it again is no use. @default false */
  readonly badRequest?: boolean;
}

/** A reply as it came over the wire, under the id the request was sent with. */
export interface AddressedReply extends WorkerReply {
  readonly wireId: string;
}

/** Tokens of one sequence as the worker sent them. */
export interface WorkerDelta {
  readonly sequence: SequenceId;
  /** Of the first token: the tokens of the sequence's earlier deltas. */
  readonly tokenIndex: number;
  readonly tokens: number;
  readonly text: string;
}

/** The worker's last word on one sequence. */
export interface WorkerResult {
  readonly sequence: SequenceId;
  readonly reply: AddressedReply;
  /** Tokens of all its deltas. @default reply.outputTokens */
  readonly streamed?: number;
}

/** What one decode step gave all sequences that moved; a sequence's deltas come before its result. */
export interface WorkerStep {
  readonly deltas: readonly WorkerDelta[];
  readonly results: readonly WorkerResult[];
}

/** Tokens on their way to a caller. */
export interface TokenDelta {
  readonly ticket: Ticket;
  readonly tokenIndex: number;
  readonly tokens: number;
  readonly text: string;
}

export function failedReply(status: WorkerFailure, errorMessage: string): WorkerReply {
  return {
    status,
    errorMessage,
    responseText: "",
    finishReason: "",
    inputTokens: 0,
    outputTokens: 0,
    workerLatencyMs: 0,
    ttftMs: 0,
    tpotMs: 0,
  };
}

/** A group that has left for a worker. */
export interface Dispatch {
  readonly id: DispatchId;
  readonly worker: WorkerId;
  readonly mode: Mode;
  readonly reason: DispatchReason;
  /** Dispatch after the moment it was due: the scheduler's own delay. */
  readonly lateMs: Millis;
  readonly at: Millis;
  /** The group's members in the order of their leaving. */
  readonly tickets: readonly Ticket[];
}

/** When a request passed from one phase to the next; never falling. */
export interface PhaseInstants {
  /** It was in the scheduler's queue. */
  readonly queuedAt: Millis;
  /** A place at the worker was free for it; what it waited from then on, it waited for others to share its batch. */
  readonly placeAt: Millis;
  readonly dispatchedAt: Millis;
  readonly firstTokenAt: Millis;
  readonly lastTokenAt: Millis;
}

/** The worker's answer to an accepted request, or the failure that stands in for it. */
export interface Answer {
  readonly reply: WorkerReply;
  /**
   * How often the request was sent to a worker: 1, and one more for each worker that was lost before. 0 when no worker
   * could be reached, so that nothing was dispatched which led to this answer.
   */
  readonly attempts: number;
  readonly phases: PhaseInstants;
}

export interface SchedulerStats {
  readonly accepted: number;
  readonly settled: number;
  readonly refused: number;
  /** Sent again after a worker was lost. */
  readonly retried: number;
  readonly queueDepth: number;
  /** Requests in the fullest of the modes' queues, each of which has QUEUE_CAPACITY places. */
  readonly fullestQueue: number;
  /** Of the prompts that wait. */
  readonly queuedBytes: number;
  /** Requests at the worker now. */
  readonly inFlight: number;
  readonly dispatches: number;
  readonly dispatchedRequests: number;
}

/** What only the scheduler thread can measure of itself. */
export interface ThreadStats extends SchedulerStats {
  /** How late its event loop came to a timer, for each time it was looked at since the last asking. */
  readonly lagsMs: readonly Millis[];
}

/** `draining`: it goes on with what it has and takes no more. */
export type WorkerState = "up" | "draining" | "down";

/** What a worker says of itself when a session opens. */
export interface WorkerHello {
  readonly backend: string;
  readonly model: string;
  readonly simulated: boolean;
  readonly capabilities: readonly string[];
  readonly maxRows: number;
  readonly contextTokens: number;
  /** A new one for each process. */
  readonly instance: string;
}

export interface WorkerLoad {
  readonly running: number;
  readonly waiting: number;
  readonly kvUsage: number;
  readonly draining: boolean;
  readonly steps: number;
  readonly rowSteps: number;
  /** Steps of its runtime, pieces of prefill included; 0 where the worker does not tell. */
  readonly iterations: number;
}

/** What the engine knows of the worker that it keeps running by itself. */
export interface Supervision {
  readonly restarts: number;
  /** Why it does not serve; empty while it does. */
  readonly problem: string;
}

export interface WorkerStatus {
  readonly state: WorkerState;
  /** Why it is not up. */
  readonly detail: string;
  /** Of the last session; undefined while there was none. */
  readonly identity?: WorkerHello;
  readonly load?: WorkerLoad;
}
