/**
 * The contract of `GET /live`, which the live page and `deno task top` read: server-sent events, `hello` and then
 * `tick`s, each with one JSON object of these. No prompt or answer text is in it.
 */

/** How far back a hello goes; a reader keeps as much. */
export const HISTORY_SECONDS = 900;
export const HISTORY_BATCHES = 60;

/** Percentiles in ms of what ended in the last 30 s; null where nothing did. */
export interface Percentiles {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** One second of the engine. */
export interface LivePoint {
  /** The end of the second, in Unix ms. */
  readonly at: number;
  /** Requests that came in this second. */
  readonly arrived: number;
  /** Requests that ended in this second, however they did; refused ones included. */
  readonly ended: number;
  /** Those of `ended` with another status than "ok". */
  readonly failed: number;
  /** Tokens that were made in this second. */
  readonly outputTokens: number;
  /** Requests that wait, and requests at the worker, at the end of the second. */
  readonly queueDepth: number;
  readonly inFlight: number;
  /** Batches that left in this second, and the requests in them. */
  readonly batches: number;
  readonly batchedRequests: number;
  readonly ttft: Percentiles;
  readonly tpot: Percentiles;
  readonly e2e: Percentiles;
  readonly workerState: "up" | "draining" | "down";
  /** The used share of the KV cache, 0 to 1. */
  readonly kvUsage: number;
}

/** A group that left for the worker. */
export interface LiveBatch {
  readonly id: number;
  readonly mode: string;
  /** One of the `reasons` of its mode. */
  readonly reason: string;
  readonly size: number;
  /** The most it could have held; 0: no limit. */
  readonly capacity: number;
  /** Unix ms. */
  readonly leftAt: number;
  /** When the last of its requests ended; null while one runs. */
  readonly endedAt: number | null;
  readonly lateMs: number;
  /** What each member waited from engine receive to dispatch, in the order of their arrival. */
  readonly waitsMs: readonly number[];
}

/** A request that is in the engine now. */
export interface LiveRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly door: string;
  readonly mode: string;
  readonly stream: boolean;
  /** "running": at the worker, and not known whether tokens have come (an answer in one piece). */
  readonly phase: "queued" | "prefill" | "decode" | "running";
  /** Time since the engine received it. */
  readonly ageMs: number;
  /** Time in the queue so far. */
  readonly waitedMs: number;
  readonly maxTokens: number;
  readonly tokens: number;
}

export interface LiveWorker {
  readonly state: "up" | "draining" | "down";
  /** Why it is not up, or the worker's own description of its state. */
  readonly detail: string;
  readonly backend: string;
  readonly model: string;
  readonly simulated: boolean;
  readonly maxRows: number;
  readonly running: number;
  readonly waiting: number;
  readonly kvUsage: number;
  /** Restarts of the worker that serve started. */
  readonly restarts: number;
}

/** Counts since the engine's start; the same figures as in `/metrics`. */
export interface LiveTotals {
  readonly accepted: number;
  readonly ok: number;
  /** Requests that ended otherwise, by status; refused ones included. */
  readonly failed: Readonly<Record<string, number>>;
  readonly retried: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly batches: number;
}

export interface LiveHealth {
  readonly state: "ok" | "degraded" | "down" | "draining";
  /** A sentence for people. */
  readonly why: string;
}

/** Whether the batching window brings more than it costs, over the last 60 s. */
export interface LiveWindow {
  /** "off": there is no window. "idle": there were too few batches to judge by. */
  readonly verdict: "off" | "idle" | "pays" | "costs";
  /** A sentence for people, with the figures. */
  readonly why: string;
  readonly batches: number;
  /** Mean number of requests in a batch. */
  readonly meanSize: number;
  /** Share of the batches that left full, and of those that left with one request after the whole window. */
  readonly fullShare: number;
  readonly aloneShare: number;
  /** What a request waited for others to share its batch. */
  readonly meanBatchWaitMs: number;
}

/** A scheduling mode as its definition describes it (src/core/modes). */
export interface LiveMode {
  readonly name: string;
  /** Completes "it lets requests go ...". */
  readonly summary: string;
  /** The settings that shape it, in a few words; empty where none limits anything. */
  readonly shape: string;
  /** Why its batches leave, each with the words that complete "it left because ...". */
  readonly reasons: Readonly<Record<string, string>>;
  /** Requests wait for others to share their batch. */
  readonly isWindowed: boolean;
}

/** Event `hello`: the first, once. */
export interface LiveHello {
  readonly startedAt: number;
  readonly now: number;
  /** The settings in force, named as in docs/configuration.md. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** The name of the engine's own mode. */
  readonly mode: string;
  readonly modes: readonly LiveMode[];
  /** Requests may choose their mode. */
  readonly modeHints: boolean;
  /** At most the last HISTORY_SECONDS, oldest first. */
  readonly history: readonly LivePoint[];
  /** At most the last HISTORY_BATCHES, oldest first. */
  readonly batches: readonly LiveBatch[];
  readonly tick: LiveTick;
}

/** Event `tick`: once a second, and at once when the worker's state changes. */
export interface LiveTick {
  readonly now: number;
  /** The newest second. */
  readonly point: LivePoint;
  /** Those that left or ended since the last tick. */
  readonly batches: readonly LiveBatch[];
  /** The oldest, at most 100. */
  readonly requests: readonly LiveRequest[];
  readonly totals: LiveTotals;
  readonly worker: LiveWorker;
  readonly health: LiveHealth;
  readonly window: LiveWindow;
}
