/** Cells of two sides that belong together, and how their figures compare. */
import { StartupError } from "../../src/core/errors.ts";
import type { CellSummary, Estimate, Finding } from "../metrics/cell_summary.ts";
import { type FigureName, figureOf, higherIsBetter, statisticOf } from "../metrics/figure_names.ts";
import { ratioInterval } from "../metrics/resampling.ts";
import { summarizeCell } from "../metrics/summary.ts";
import type { Load, Slo } from "../plan.ts";
import type { RunEnvironment } from "../record/environment.ts";
import type { Recording } from "../record/recorder.ts";
import type { Cell, Sample } from "../record/sample.ts";

/** One side of a comparison: a recording, or one variant of it. */
export interface Side {
  /** As the command line named it. */
  readonly name: string;
  readonly environment: RunEnvironment;
  readonly samples: readonly Sample[];
}

/** Two cells that are set against each other; the samples are of these alone. */
export interface MatchedCells {
  readonly load: Load;
  readonly base: { readonly variant: string; readonly samples: readonly Sample[] };
  readonly next: { readonly variant: string; readonly samples: readonly Sample[] };
}

/** A cell that only one side has. */
export interface UnmatchedCell extends Cell {
  readonly onlyIn: "BASE" | "NEW";
}

export interface Matching {
  readonly pairs: readonly MatchedCells[];
  readonly unmatched: readonly UnmatchedCell[];
}

export function wholeRun(name: string, { environment, samples }: Recording): Side {
  return { name, environment, samples };
}

/** The part of a recording that one of its variants makes. */
export function variantOf({ environment, samples }: Recording, variant: string): Side {
  return {
    name: variant,
    environment,
    samples: samples.filter((sample) => sample.variant === variant),
  };
}

/**
 * Cells of the same load and variant name; where each side has one variant, these are matched whatever they are called.
 * @throws {StartupError} when there is not one such pair.
 */
export function matchCells(base: Side, next: Side): Matching {
  const [baseCells, nextCells] = [cellsOf(base), cellsOf(next)];
  const [baseVariants, nextVariants] = [variantsIn(base), variantsIn(next)];
  const alone = baseVariants.length === 1 && nextVariants.length === 1;
  const pairs = [...baseCells.values()].flatMap((samples): MatchedCells[] => {
    const { variant, load: name } = samples[0]!;
    const partner = alone ? nextVariants[0]! : variant;
    const others = nextCells.get(keyOf({ variant: partner, load: name }));
    const load = next.environment.plan.loads.find((load) => load.name === name);
    return others && load
      ? [{ load, base: { variant, samples }, next: { variant: partner, samples: others } }]
      : [];
  });
  if (pairs.length === 0) {
    throw new StartupError([
      `compare must be given two sides that share a load and a variant: BASE has ${
        cellNames(baseCells)
      }; NEW has ${cellNames(nextCells)}`,
    ]);
  }
  const matched = new Set(pairs.flatMap(({ base, next }) => [base.samples, next.samples]));
  const unmatched = ([["BASE", baseCells], ["NEW", nextCells]] as const).flatMap(([onlyIn, cells]) =>
    [...cells.values()].filter((samples) => !matched.has(samples))
      .map(([first]) => ({ onlyIn, variant: first!.variant, load: first!.load }))
  );
  return { pairs, unmatched };
}

/** Measured samples by cell, in the order in which the cells were first measured. */
function cellsOf({ samples }: Side): Map<string, Sample[]> {
  const measured = samples.filter(({ phase }) => phase === "measured");
  return Map.groupBy(measured, keyOf);
}

function variantsIn({ samples }: Side): string[] {
  return [...new Set(samples.map(({ variant }) => variant))];
}

function keyOf({ variant, load }: Cell): string {
  return `${variant}, ${load}`;
}

function cellNames(cells: ReadonlyMap<string, unknown>): string {
  return cells.size === 0 ? "nothing that was measured" : [...cells.keys()].join(" | ");
}

/** `same`: no difference shown. `unknown`: a figure, or its interval, is not there. */
export type Change = "better" | "worse" | "same" | "unknown";

export interface ComparedFigure {
  readonly figure: FigureName;
  readonly base: Estimate;
  readonly next: Estimate;
  /** NEW / BASE with its 95 % interval; 1 without an interval where both are 0. */
  readonly ratio: { readonly value: number; readonly low: number; readonly high: number };
  readonly change: Change;
}

export interface ComparedSide {
  readonly variant: string;
  readonly requests: number;
  readonly failed: number;
  readonly valid: boolean;
  readonly findings: readonly Finding[];
}

export interface ComparedCell {
  readonly load: string;
  readonly loop: Load["kind"];
  readonly base: ComparedSide;
  readonly next: ComparedSide;
  /** The sides took turns, so what the machine did to both alike falls out of the ratios. */
  readonly paired: boolean;
  readonly figures: readonly ComparedFigure[];
}

/** Compares the figures of two cells under one SLO, for goodput means nothing across two. */
export function compareCells(
  { load, base, next }: MatchedCells,
  slo: Slo,
  names: readonly FigureName[],
): ComparedCell {
  const summaries = [base, next].map(({ samples }) => summarizeCell(samples, load, slo));
  const [ofBase, ofNext] = summaries as [CellSummary, CellSummary];
  const compared = names.map((figure) => {
    const [baseFigure, nextFigure] = [figureOf(ofBase, figure), figureOf(ofNext, figure)];
    const { paired, ...resampled } = ratioInterval(base.samples, next.samples, statisticOf(figure, slo));
    const none = baseFigure.value === 0 && nextFigure.value === 0;
    const ratio = none ? ratioOfNone(figure) : boundedRatio(resampled, baseFigure, nextFigure);
    const change: Change = none && ratio.value === 1 ? "same" : changeOf(figure, ratio);
    return { paired, figure, base: baseFigure, next: nextFigure, ratio, change };
  });
  return {
    load: load.name,
    loop: load.kind,
    base: sideOf(base.variant, ofBase),
    next: sideOf(next.variant, ofNext),
    paired: compared.some(({ paired }) => paired),
    figures: compared.map(({ paired: _, ...figure }) => figure),
  };
}

function sideOf(variant: string, { requests, failed, verdict }: CellSummary): ComparedSide {
  return { variant, requests, failed, ...verdict };
}

/**
 * The ratio of two zeros is 1 where zero is the best value: sides without failures or waits are alike. It has no interval,
 * because no resampling contains one.
 * Two sides that did nothing at all have nothing to compare.
 */
function ratioOfNone(figure: FigureName): ComparedFigure["ratio"] {
  return { value: higherIsBetter(figure) ? NaN : 1, low: NaN, high: NaN };
}

/**
 * Opens the interval of a ratio where the interval of a side is open. A p99 of a hundred requests is hardly more than the
 * slowest of them, however alike the resamplings are.
 */
function boundedRatio(
  ratio: ComparedFigure["ratio"],
  base: Estimate,
  next: Estimate,
): ComparedFigure["ratio"] {
  if (Number.isNaN(ratio.low) || Number.isNaN(ratio.high)) return ratio;
  const open = ({ value, high }: Estimate) => high === Infinity && value !== Infinity;
  return {
    ...ratio,
    low: open(base) ? 0 : ratio.low,
    high: open(next) ? Infinity : ratio.high,
  };
}

/** A difference is shown when the interval lies on one side of 1; an interval without either end says nothing. */
export function changeOf(figure: FigureName, { value, low, high }: ComparedFigure["ratio"]): Change {
  if ([value, low, high].some(Number.isNaN) || (low === 0 && high === Infinity)) return "unknown";
  if (low <= 1 && high >= 1) return "same";
  return (low > 1) === higherIsBetter(figure) ? "better" : "worse";
}
