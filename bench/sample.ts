/** The words that the lab's parts share: what was asked, and what came of it. Imports nothing of ours but types. */
import type { Millis } from "../src/types.ts";

/** One request of the workload. The same seed and index give the same one, in every mode and every run. */
export interface WorkItem {
  readonly index: number;
  readonly prompt: string;
  readonly maxTokens: number;
}

/** One combination that is measured by itself: a mode of the engine under a number of closed-loop clients. */
export interface Level {
  readonly mode: string;
  /** Clients that each wait for an answer before they ask again: the requests under way at once. */
  readonly concurrency: number;
}

/** How the engine sent the request to the worker; an engine of another make may not say. */
export interface SampleDispatch {
  /** Counted from the engine's start, so it names a batch within one mode only. */
  readonly id: number;
  /** Requests in the batch. */
  readonly size: number;
  readonly reason: string;
  readonly queueWaitMs: Millis;
  readonly lateMs: Millis;
}

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
  /** What the engine and the worker say of themselves; 0 when there was no reply. */
  readonly engineLatencyMs: Millis;
  readonly workerLatencyMs: Millis;
  readonly ttftMs: Millis;
  readonly tpotMs: Millis;
  readonly queueWaitMs: Millis | null;
  readonly dispatch: SampleDispatch | null;
  /** The text is one of the `sim` backend: no model ran. */
  readonly simulated: boolean;
  /** When each token was at the client, counted from sending; null where the answer came in one piece. */
  readonly tokenMs: readonly Millis[] | null;
}

/** One line of samples.ndjson. Instants are Unix milliseconds of the load generator's steady clock. */
export interface Sample extends Level, Result {
  /** The warm-up is kept for the record; no figure is computed from it. */
  readonly phase: "warmup" | "measured";
  readonly index: number;
  /** Which of the closed-loop clients asked, from 0. */
  readonly client: number;
  readonly maxTokens: number;
  /** When the client was free to ask. */
  readonly intendedAt: Millis;
  readonly sentAt: Millis;
  readonly receivedAt: Millis;
  /** receivedAt - intendedAt: a late generator counts against the figure instead of hiding in it. */
  readonly latencyMs: Millis;
}
