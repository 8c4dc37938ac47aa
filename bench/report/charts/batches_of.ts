import { REASON_TEXTS } from "../../../src/core/modes/modes.ts";
import type { Millis } from "../../../src/core/types.ts";
import type { Sample } from "../../record/sample.ts";

/** Why batches leave, in the order of the modes; what another engine says comes after these. */
export const REASONS: readonly string[] = Object.keys(REASON_TEXTS);

/** A group that left together, as far as the samples of one cell tell. */
export interface Batch {
  readonly id: number;
  readonly size: number;
  readonly reason: string;
  readonly round: number;
  /** The first of its requests was meant to leave. */
  readonly firstAt: Millis;
  /** By the generator's clock: the way to the engine is taken as half of what the round trip is longer than the engine's own time. */
  readonly dispatchedAt: Millis;
  /** Its last answer was there. */
  readonly endedAt: Millis;
}

/** The batches of one cell's samples, in the order in which they left. */
export function batchesOf(samples: readonly Sample[]): Batch[] {
  const groups = Map.groupBy(
    samples.filter(({ dispatch }) => dispatch !== null),
    ({ round, dispatch }) => `${round} ${dispatch?.id}`,
  );
  return [...groups.values()].flatMap((members): Batch[] => {
    const [first] = members;
    if (!first?.dispatch) return [];
    const { dispatch: { id, size, reason }, round } = first;
    return [{
      id,
      size,
      reason,
      round,
      firstAt: Math.min(...members.map(({ intendedAt }) => intendedAt)),
      dispatchedAt: Math.max(...members.map(dispatchedAt)),
      endedAt: Math.max(...members.map(({ endedAt }) => endedAt)),
    }];
  }).sort((a, b) => a.dispatchedAt - b.dispatchedAt);
}

/** The reasons that occur, the known ones first. */
export function reasonsOf(batches: readonly Batch[]): string[] {
  const there = new Set(batches.map(({ reason }) => reason));
  return [...new Set([...REASONS.filter((reason) => there.has(reason)), ...there])];
}

function dispatchedAt({ sentAt, endedAt, engineMs, dispatch }: Sample): Millis {
  const oneWayMs = Math.max(0, (endedAt - sentAt - engineMs) / 2);
  return sentAt + oneWayMs + (dispatch?.queueWaitMs ?? 0);
}
