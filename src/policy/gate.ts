import type { DispatchReason } from "../types.ts";
import { IDLE, type Policy } from "./policy.ts";

/** A few more than it runs wait at the worker, so that a row which comes free is taken before its next step. */
const AT_WORKER_PER_ROW = 1.25;

/**
 * First in, first out, with at most `limit` requests at the worker (0: by what it says that it runs at once, for what
 * waits beyond that waits better here). The next goes the moment one ends.
 * The three modes that don't batch by themselves are this gate: direct and continuous with MAX_CONCURRENT_STREAMS,
 * queued with QUEUED_CONCURRENCY. With `together`, those that fit leave as one group, else each on its own.
 */
export function gate(
  { limit, reason, together }: { limit: number; reason: DispatchReason; together: boolean },
): Policy {
  return {
    decide({ depth, running, workerRows = Infinity }) {
      const most = limit || Math.ceil(workerRows * AT_WORKER_PER_ROW);
      const free = Math.min(depth, most - running);
      if (free <= 0) return IDLE;
      return { kind: "dispatch", take: together ? free : 1, reason };
    },
  };
}
