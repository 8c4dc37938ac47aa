import { type SettingTable, wholeNumber } from "../setting.ts";
import { IDLE, type Policy } from "./mode.ts";

/** The setting that all gates share. */
export const GATE_SETTINGS = {
  MAX_CONCURRENT_STREAMS: wholeNumber(
    0,
    65_536,
    0,
    "continuous, direct: requests at the worker at once, streamed or not; 0: a quarter more than the worker says it " +
      "runs at once (max_rows), no limit where it does not tell; queued: streams at the worker at once, beside the " +
      "QUEUED_CONCURRENCY others; 0 lets streams share the places of the others; each mode counts its own",
  ),
} as const satisfies SettingTable;

/** A few more than it runs wait at the worker, so that a row which comes free is taken before its next step. */
const AT_WORKER_PER_ROW = 1.25;

/** Powers of two that are searched, the largest that the worker has rows for. */
const CANDIDATES = 7;

/**
 * Lets at most `limit` requests be at the worker (0: by the number that it says it runs at once, for what waits beyond
 * that waits better here). The next goes the moment one ends. With `together`, those that fit leave as one group, else
 * each on its own.
 */
export function gate<Reason extends string>(
  { limit, reason, together }: { limit: number; reason: Reason; together: boolean },
): Policy<Reason> {
  return {
    decide({ depth, running, workerRows = Infinity }) {
      const most = limit || Math.ceil(workerRows * AT_WORKER_PER_ROW);
      const free = Math.min(depth, most - running);
      if (free <= 0) return IDLE;
      return { kind: "dispatch", take: together ? free : 1, reason, isDivisible: together };
    },
  };
}

export function gateShape({ MAX_CONCURRENT_STREAMS }: { readonly MAX_CONCURRENT_STREAMS: number }): string {
  return MAX_CONCURRENT_STREAMS > 0 ? `${MAX_CONCURRENT_STREAMS} at once` : "";
}

/** Limits for a gate: powers of two up to the worker's rows. */
export function gateLimits(rows: number): number[] {
  return Array.from({ length: Math.floor(Math.log2(rows)) + 1 }, (_, power) => 2 ** power).slice(-CANDIDATES);
}
