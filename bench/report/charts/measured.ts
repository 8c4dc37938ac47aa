import type { Millis } from "../../../src/core/types.ts";
import { percentile } from "../../../src/percentile.ts";
import type { Cell, Sample } from "../../record/sample.ts";
import type { Subject } from "./chart.ts";

/** The samples of one cell that figures are computed from, in the order of their intended instants. */
export interface MeasuredCell extends Cell {
  /** The number of its variant. */
  readonly v: number;
  readonly samples: readonly Sample[];
}

/** Cells in the order of variants, then loads. */
export function measuredByCell({ samples, variants, loads }: Subject): MeasuredCell[] {
  const ended = samples.filter(({ phase, outcome }) => phase === "measured" && outcome !== "interrupted");
  const byVariant = Map.groupBy(ended, ({ variant }) => variant);
  return variants.flatMap((variant, v) => {
    const byLoad = Map.groupBy(byVariant.get(variant) ?? [], ({ load }) => load);
    return loads.flatMap((load) => {
      const own = byLoad.get(load)?.toSorted((a, b) => a.intendedAt - b.intendedAt);
      return own === undefined ? [] : [{ variant, load, v, samples: own }];
    });
  });
}

/** The first intended instant of each of a cell's turns, by round. */
export function turnStarts(samples: readonly Sample[]): ReadonlyMap<number, Millis> {
  const starts = new Map<number, Millis>();
  for (const { round, intendedAt } of samples) {
    starts.set(round, Math.min(starts.get(round) ?? Infinity, intendedAt));
  }
  return starts;
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
