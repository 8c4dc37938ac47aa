import type { DispatchReason } from "../types.ts";
import { IDLE, type Policy } from "./policy.ts";

/**
 * First in, first out, with at most `limit` requests at the worker (0: no limit). The next goes the moment one ends.
 * The three modes that don't batch by themselves are this gate: direct and continuous with MAX_CONCURRENT_STREAMS,
 * queued with QUEUED_CONCURRENCY. With `together`, those that fit leave as one group, else each on its own.
 */
export function gate(
  { limit, reason, together }: { limit: number; reason: DispatchReason; together: boolean },
): Policy {
  return {
    decide({ depth, running }) {
      const free = limit === 0 ? depth : Math.min(depth, limit - running);
      if (free <= 0) return IDLE;
      return { kind: "dispatch", take: together ? free : 1, reason };
    },
  };
}
