// @ts-types="@types/d3-array"
import { mean, rollup } from "d3-array";
import type { Sample, SampleDispatch } from "../record/sample.ts";
import type { Batches } from "./cell_summary.ts";

/**
 * What left the engine together. The engine counts its dispatches, so a round and a number name a batch within a cell;
 * each counts once, however many of its requests were recorded. Null where no reply tells of a dispatch.
 */
export function batchesOf(requests: readonly Sample[]): Batches | null {
  const byName = new Map<string, SampleDispatch>();
  for (const { round, dispatch } of requests) {
    if (dispatch) byName.set(`${round} ${dispatch.id}`, dispatch);
  }
  if (byName.size === 0) return null;
  const batches = [...byName.values()];
  return {
    count: batches.length,
    meanSize: mean(batches, ({ size }) => size) ?? NaN,
    sizes: countsBy(batches.toSorted((a, b) => a.size - b.size), ({ size }) => `${size}`),
    reasons: countsBy(batches, ({ reason }) => reason),
  };
}

function countsBy(
  batches: readonly SampleDispatch[],
  key: (batch: SampleDispatch) => string,
): Record<string, number> {
  return Object.fromEntries(rollup(batches, (those) => those.length, key));
}
