/** Two sides set against each other: pure figures and verdicts, from samples alone. The content of compare.json. */
import { ratioInterval } from "../metrics/resampling.ts";
import type { CellSummary, Estimate } from "../metrics/cell_summary.ts";
import { type FigureName, figureOf, higherIsBetter, statisticOf } from "../metrics/figure_names.ts";
import { statesLimits } from "../metrics/requests.ts";
import { summarizeCell } from "../metrics/summary.ts";
import type { Slo } from "../plan.ts";
import type { Change, ComparedCell, ComparedFigure, ComparedSide } from "./compared.ts";
import { differences } from "./differences.ts";
import { judge, type Judgement, notInNew } from "./judge.ts";
import type { Limit } from "./limit.ts";
import { matchCells, type MatchedCells, type Side, type UnmatchedCell } from "./match.ts";

/** What every comparison shows, with goodput where an SLO is stated. */
const FIGURES: readonly FigureName[] = [
  "req_s",
  "out_tok_s",
  "ttft_p50",
  "ttft_p95",
  "tpot_p50",
  "tpot_p95",
  "itl_p99",
  "e2e_p50",
  "e2e_p95",
  "e2e_p99",
];

/** compare.json. */
export interface Comparison {
  readonly schema: 1;
  readonly base: { readonly name: string; readonly startedAt: string };
  readonly next: { readonly name: string; readonly startedAt: string };
  /** In what the sides differ: settings, machine, model, commit, requests. */
  readonly differences: readonly string[];
  readonly unmatched: readonly UnmatchedCell[];
  readonly slo: Slo;
  readonly cells: readonly ComparedCell[];
  /** How many ratios have an interval, and how many of these exclude 1. */
  readonly intervals: number;
  readonly shown: number;
  readonly limits: readonly Judgement[];
}

/**
 * Compares NEW with BASE under one SLO, for goodput means nothing across two.
 * @throws {StartupError} when they have no cell in common
 */
export function compare(base: Side, next: Side, slo: Slo, limits: readonly Limit[]): Comparison {
  const { pairs, unmatched } = matchCells(base, next);
  const figures = figuresWith(slo, limits);
  const cells = pairs.map((pair) => compareCells(pair, slo, figures));
  const ratios = cells.flatMap(({ figures }) => figures)
    .filter(({ change, ratio }) => change !== "unknown" && !Number.isNaN(ratio.low));
  return {
    schema: 1,
    base: { name: base.name, startedAt: base.environment.startedAt },
    next: { name: next.name, startedAt: next.environment.startedAt },
    differences: differences(
      base.environment,
      next.environment,
      pairs.map(({ base, next }) => [base.variant, next.variant] as const),
    ),
    unmatched,
    slo,
    cells,
    intervals: ratios.length,
    shown: ratios.filter(({ change }) => change === "better" || change === "worse").length,
    limits: limits.flatMap((limit) => [
      ...cells.map((cell) => judge(limit, cell)),
      ...unmatched.filter(({ onlyIn }) => onlyIn === "BASE").map((cell) => notInNew(limit, cell)),
    ]),
  };
}

function figuresWith(slo: Slo, limits: readonly Limit[]): FigureName[] {
  const goodput: FigureName[] = statesLimits(slo) ? ["goodput"] : [];
  return [...new Set([...FIGURES, ...goodput, ...limits.map(({ figure }) => figure)])];
}

function compareCells(
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
 * Of two zeros: no failures or no wait on either side are the same, and no resampling knows of any, so there is no interval.
 * Two sides that did nothing at all have nothing to compare.
 */
function ratioOfNone(figure: FigureName): ComparedFigure["ratio"] {
  return { value: higherIsBetter(figure) ? NaN : 1, low: NaN, high: NaN };
}

/**
 * What the samples of a side don't bound, they can't bound in the ratio: a p99 of a hundred requests is hardly more than
 * the slowest of them, however alike the resamplings are.
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
