/** The figures that are computed from a recording: the content of summary.json. Imports nothing of ours but types. */
import type { Millis } from "../../src/core/types.ts";
import type { Cell } from "../record/sample.ts";

/** A figure with its 95 % confidence interval. NaN: there is nothing to compute it from. JSON has neither NaN nor
 * Infinity; summary.json writes them as the strings "NaN" and "Infinity". */
export interface Estimate {
  /** Infinity when a percentile falls on a request that failed. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** What it was computed from: requests, or for ITL gaps between tokens. */
  readonly samples: number;
  /** Too few samples lie beyond the percentile to trust it; the gaps of one request count as one sample here. */
  readonly few: boolean;
}

export interface Distribution {
  readonly mean: Estimate;
  readonly p50: Estimate;
  readonly p90: Estimate;
  readonly p95: Estimate;
  readonly p99: Estimate;
}

/** Where the time of a cell's successful requests went, on average; together the mean E2E latency. */
export interface Phases {
  /** The generator's lateness: intended to sent. */
  readonly generatorMs: Millis;
  /** Client to engine and back, the engine's own accepting included. */
  readonly networkMs: Millis;
  readonly queueMs: Millis;
  readonly batchMs: Millis;
  readonly dispatchMs: Millis;
  readonly prefillMs: Millis;
  readonly decodeMs: Millis;
  readonly replyMs: Millis;
  /** What the parts above leave of the mean E2E latency; near 0, or the ledger is wrong. */
  readonly residualMs: Millis;
  /** Requests with a ledger, of the successful ones. */
  readonly samples: number;
}

/** Mean number in system against arrival rate x mean time in system; NaN where the turns are too short to tell. */
export interface LittlesLaw {
  readonly inSystem: number;
  readonly rateTimesTime: number;
  /** inSystem / rateTimesTime - 1. */
  readonly residual: number;
}

export interface Batches {
  readonly count: number;
  /** Over the batches, so a batch of 32 counts once and not 32 times. */
  readonly meanSize: number;
  /** Batches by size, and by why they left. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
}

export type FindingKind = "generator_late" | "too_short" | "few_samples" | "errors" | "unstable";

export interface Finding {
  readonly kind: FindingKind;
  /** A complete sentence for people, with the figures that led to it. */
  readonly text: string;
}

/** A run is valid when there is no finding. */
export interface Verdict {
  readonly valid: boolean;
  readonly findings: readonly Finding[];
}

export interface CellSummary extends Cell {
  /** Requests that ended, well or badly; those interrupted by a stop are apart. */
  readonly requests: number;
  readonly failed: number;
  readonly interrupted: number;
  /** The measured time: from the first intended instant to the last end, over all rounds. */
  readonly seconds: number;
  /** Open loop: intended sends a second. NaN in a closed loop, whose clients send as they get answers. */
  readonly offeredRate: number;
  /** A second of measured time; successful requests only. */
  readonly requestRate: Estimate;
  readonly outputTokenRate: Estimate;
  /** Input and output tokens. */
  readonly totalTokenRate: Estimate;
  /** Requests that kept all of the SLO, a second; null where none is stated. */
  readonly goodput: Estimate | null;
  /** From the intended instant; a failure is infinitely late. */
  readonly e2eMs: Distribution;
  /** From the real send instant. */
  readonly sendToEndMs: Distribution;
  readonly ttftMs: Distribution;
  readonly tpotMs: Distribution;
  readonly itlMs: Distribution;
  /** In the engine's queue: receive to dispatch. */
  readonly queueWaitMs: Distribution;
  /** Sent after the intended instant. */
  readonly latenessMs: Distribution;
  readonly batches: Batches | null;
  readonly phases: Phases | null;
  readonly littlesLaw: LittlesLaw;
  readonly verdict: Verdict;
}

/** summary.json. */
export interface RunSummary {
  readonly schema: 1;
  readonly cells: readonly CellSummary[];
}
