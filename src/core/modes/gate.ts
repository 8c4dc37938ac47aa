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

/**
 * First in, first out, one by one, with places of its own for each kind: at most `streamLimit` streams and beside them
 * at most `limit` others at the worker. The longest-waiting request goes when its kind has a free place, and until
 * then nothing overtakes it. A `streamLimit` of 0 gives streams no places of their own: all share those of `limit`.
 */
export function gateOfTwoKinds(
  { limit, streamLimit, reason }: { limit: number; streamLimit: number; reason: DispatchReason },
): Policy {
  const others = gate({ limit, reason, together: false });
  if (streamLimit === 0) return others;
  const streams = gate({ limit: streamLimit, reason, together: false });
  return {
    decide(view, now) {
      const { oldestIsStream, running, runningStreams } = view;
      return oldestIsStream
        ? streams.decide({ ...view, running: runningStreams }, now)
        : others.decide({ ...view, running: running - runningStreams }, now);
    },
  };
}
