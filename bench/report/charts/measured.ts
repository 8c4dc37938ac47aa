import type { Millis } from "../../../src/core/types.ts";
import { percentile } from "../../../src/percentile.ts";
import { measuredRequests, samplesOf } from "../../metrics/requests.ts";
import type { Cell, Sample } from "../../record/sample.ts";
import type { Subject } from "./chart.ts";

/** The samples of one cell that figures are computed from, in the order of `measuredRequests`. */
export interface MeasuredCell extends Cell {
  /** The number of its variant. */
  readonly v: number;
  readonly samples: readonly Sample[];
}

/** Cells in the order of variants, then loads. */
export function measuredByCell({ samples, variants, loads }: Subject): MeasuredCell[] {
  return variants.flatMap((variant, v) =>
    loads.flatMap((load) => {
      const own = measuredRequests(samplesOf(samples, { variant, load }));
      return own.length === 0 ? [] : [{ variant, load, v, samples: own }];
    })
  );
}

/** What all panels of a chart may hold together, so that a report of 100,000 requests stays a page. */
export const CHART_ROWS = 4000;

/** The distribution function at no more than `points` shares of 1; every sample where that is fewer. */
export function quantiles(sorted: readonly Millis[], points: number): [value: Millis, share: number][] {
  const steps = Math.max(1, Math.min(sorted.length, points) - 1);
  const tail = sorted.length > points ? [0.995, 0.999] : [];
  const shares = [...Array.from({ length: steps + 1 }, (_, step) => step / steps), ...tail].sort((a, b) =>
    a - b
  );
  return shares
    .map((share): [Millis, number] => [percentile(sorted, share * 100), share])
    .filter(([value]) => Number.isFinite(value));
}

/** At most `count` items, evenly from the whole length: of a series in order of time, as many from each stretch. */
export function evenly<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, index) => items[Math.floor(index * items.length / count)] as T);
}
