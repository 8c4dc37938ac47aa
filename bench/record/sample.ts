/** The words that the lab's parts share: what was asked, and what came of it. Imports nothing of ours but types. */
import type { Millis } from "../../src/core/types.ts";

/** One request of the workload. The same seed and index give the same one, in every cell and every run. */
export interface RequestSpec {
  readonly index: number;
  /** The request class of the workload it was drawn from. */
  readonly class: string;
  readonly tenant: string;
  readonly prompt: string;
  readonly maxTokens: number;
  /** The answer has just `maxTokens` tokens, where the runtime can ignore the model's end. */
  readonly exactOutput: boolean;
}

/** A request of an open loop with the instant at which it is to be sent, counted from the start of its turn. */
export interface ScheduledRequest extends RequestSpec {
  readonly atMs: Millis;
}

/** One combination that is measured by itself: names of a variant and a load of the run's plan. */
export interface Cell {
  readonly variant: string;
  readonly load: string;
}

/** How the engine sent the request to the worker; an engine of another make may not say. */
export interface SampleDispatch {
  /** Counted from the engine's start, so it names a batch within one variant only. */
  readonly id: number;
  /** Requests in the batch. */
  readonly size: number;
  readonly reason: string;
  readonly queueWaitMs: Millis;
  readonly lateMs: Millis;
  /** 1, and one more for each time it was sent again. */
  readonly attempts: number;
}

/** The engine's own ledger: its parts follow each other and add up to `engineMs`. Meanings as in the wire contract. */
export interface SampleTiming {
  readonly acceptMs: Millis;
  readonly queueMs: Millis;
  readonly batchMs: Millis;
  readonly dispatchMs: Millis;
  readonly prefillMs: Millis;
  readonly decodeMs: Millis;
  readonly replyMs: Millis;
}

/** A chunk with tokens as it reached the client: when, counted from sending, and how many tokens. */
export type ReceivedChunk = readonly [atMs: Millis, tokens: number];

/** What came of a request, as the load generator's transport saw it. */
export interface Result {
  /** `interrupted`: still under way when the run was stopped, so neither good nor bad. */
  readonly outcome: "ok" | "failed" | "interrupted";
  /** The reply's status as it came, or the name of the gRPC status code when there was no reply. */
  readonly status: string;
  readonly errorMessage: string;
  /** Counts of the model's tokenizer; 0 when there was no reply. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** From sending to the first non-empty text; null where the answer came in one piece or without text. */
  readonly firstTextMs: Millis | null;
  /** Chunks in the order in which they came; null where the answer came in one piece. */
  readonly arrivals: readonly ReceivedChunk[] | null;
  /** What the engine and the worker say of themselves: engine receive to reply, worker receive to end, to first token,
   * and per token after it. 0 when there was no reply. */
  readonly engineMs: Millis;
  readonly workerMs: Millis;
  readonly workerTtftMs: Millis;
  readonly workerTpotMs: Millis;
  readonly queueWaitMs: Millis | null;
  readonly dispatch: SampleDispatch | null;
  readonly timing: SampleTiming | null;
  /** The text is one of the `sim` backend: no model ran. */
  readonly simulated: boolean;
}

/** Where a request stands in the run, and when it was sent. Instants are Unix milliseconds of the generator's steady clock. */
export interface Sending extends Cell {
  /** Index of the turn of its cell in which it was sent. */
  readonly round: number;
  /** The warm-up is kept for the record; no figure is computed from it. */
  readonly phase: "warmup" | "measured";
  readonly index: number;
  readonly class: string;
  readonly tenant: string;
  /** Index of the closed-loop client that asked; null in an open loop. */
  readonly client: number | null;
  readonly maxTokens: number;
  /** Open loop: the schedule's instant. Closed loop: when the client had its last answer. Every latency counts from it. */
  readonly intendedAt: Millis;
  readonly sentAt: Millis;
  readonly endedAt: Millis;
}

/** One line of samples.ndjson. */
export interface Sample extends Sending, Result {}
