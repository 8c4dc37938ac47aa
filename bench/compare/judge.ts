import type { FindingKind } from "../metrics/cell_summary.ts";
import { higherIsBetter } from "../metrics/figure_names.ts";
import type { Cell } from "../record/sample.ts";
import type { ComparedCell, ComparedFigure, ComparedSide } from "./compared.ts";
import type { Limit } from "./limit.ts";

/** What a `--fail-on` says of one pair of cells. */
export interface Judgement {
  /** The limit as it was typed. */
  readonly limit: string;
  readonly load: string;
  readonly variant: string;
  /** `undecided`: the samples can't tell, so the limit is neither kept nor broken. */
  readonly outcome: "kept" | "broken" | "undecided";
  /** Why it is undecided, or what a kept limit leaves open. */
  readonly reasons: readonly string[];
}

/**
 * A change is broken when the ratio is beyond the bound and its whole interval on the worse side of 1: large enough to
 * matter, and more than chance. A value is broken when NEW's figure is beyond the bound. What is not broken counts as kept
 * only where samples and runs can be trusted. Where the generator was late nothing is broken either: the load was not
 * the one asked for, or the generator's own time is in the figures.
 */
export function judge(limit: Limit, cell: ComparedCell): Judgement {
  const { load, base, next, figures } = cell;
  const about = { limit: limit.text, load, variant: next.variant };
  const figure = figures.find(({ figure }) => figure === limit.figure);
  if (!figure) return { ...about, outcome: "undecided", reasons: [`${limit.figure} was not compared`] };
  const sides = limit.kind === "change" ? [base, next] : [next];
  const asked = sides.every(({ findings }) => findings.every(({ kind }) => kind !== LATE));
  if (asked && isBroken(limit, figure)) return { ...about, outcome: "broken", reasons: [] };
  const spared = [
    ...ELSEWHERE,
    ...(limit.kind === "change" && sparesDrift(cell) ? [DRIFT] : []),
    ...(limit.figure === "failed_share" ? [FAILURES] : []),
  ];
  const reasons = [
    ...(limit.kind === "change" ? doubts("BASE", base, figure.base, spared) : []),
    ...doubts("NEW", next, figure.next, spared),
  ];
  if (reasons.length === 0 && limit.kind === "change" && figure.change === "unknown") {
    reasons.push("the ratio has no interval");
  }
  if (reasons.length > 0) return { ...about, outcome: "undecided", reasons };
  return { ...about, outcome: "kept", reasons: leftOpen(limit, figure) };
}

/** What BASE had and NEW lost must not pass. */
export function notInNew(limit: Limit, { load, variant }: Cell): Judgement {
  return { limit: limit.text, load, variant, outcome: "undecided", reasons: ["NEW did not measure it"] };
}

/** A change that is not shown is not shown to be absent either. */
function leftOpen({ kind, bound, figure: name }: Limit, { ratio }: ComparedFigure): string[] {
  if (kind === "value") return [];
  const worst = higherIsBetter(name) ? ratio.low : ratio.high;
  const open = higherIsBetter(name) ? worst < bound : worst > bound;
  if (!open) return [];
  return worst === Infinity
    ? ["but nothing bounds new / base; more samples would tell"]
    : [`but new / base may be as much as ${worst.toFixed(3)}; more samples would tell`];
}

function isBroken({ kind, bound, figure: name }: Limit, { next, ratio, change }: ComparedFigure): boolean {
  const beyond = (value: number) => higherIsBetter(name) ? value < bound : value > bound;
  return kind === "value" ? beyond(next.value) : change === "worse" && beyond(ratio.value);
}

/** Too few samples matter where the figure itself has too few; other findings put every figure of the cell in doubt. */
const ELSEWHERE: readonly FindingKind[] = ["few_samples"];
const DRIFT: FindingKind = "unstable";
const LATE: FindingKind = "generator_late";
/** They are what `failed_share` tells. */
const FAILURES: FindingKind = "errors";

/**
 * A closed loop is unstable when its throughput drifts, and what drifts for both falls out of paired ratios. An open
 * loop is unstable when its queue grows without end, which no pairing mends.
 */
function sparesDrift({ paired, loop }: ComparedCell): boolean {
  return paired && loop === "closed";
}

function doubts(
  who: string,
  { findings }: ComparedSide,
  { value, few }: ComparedFigure["base"],
  spared: readonly FindingKind[],
): string[] {
  return [
    ...(Number.isNaN(value) ? [`${who} has no such figure`] : []),
    ...(few ? [`${who} has too few samples for it`] : []),
    ...findings.filter(({ kind }) => !spared.includes(kind)).map(({ kind }) =>
      `${who} is not valid: ${kind.replaceAll("_", " ")}`
    ),
  ];
}
