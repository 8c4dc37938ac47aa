import type { Millis } from "../../../src/core/types.ts";
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
