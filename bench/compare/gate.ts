/** `--fail-on`: from which change or value of a figure on a comparison fails, and whether it does. */
import { StartupError } from "../../src/core/errors.ts";
import type { FindingKind } from "../metrics/cell_summary.ts";
import { type FigureName, higherIsBetter, parseFigureName } from "../metrics/figure_names.ts";
import type { Cell } from "../record/sample.ts";
import type { ComparedCell, ComparedFigure, ComparedSide } from "./cells.ts";

export interface Limit {
  /** As it was typed. */
  readonly text: string;
  readonly figure: FigureName;
  /** `change`: the ratio NEW / BASE that is still kept. `value`: NEW's figure that is still kept, in the figure's own unit. */
  readonly kind: "change" | "value";
  readonly bound: number;
}

const FORM = /^(\w+)\s*([<>])\s*([+-]?)(\d{1,9}(?:\.\d{1,9})?)\s*(%|ms|s)?$/;
const RULE = "--fail-on must be FIGURE>+PERCENT%, FIGURE<-PERCENT% or a limit like ttft_p95>500ms";

/**
 * `ttft_p95>+10%` and `req_s<-5%` limit a change, `ttft_p95>500ms`, `req_s<20` and `failed_share>1%` a value. Only the
 * worse direction can be limited: a gate that fails when something got better is a mistake of its author.
 * @throws {StartupError} with one line that names what is wrong
 */
export function parseLimit(text: string): Limit {
  const [, name = "", sign, signOfChange, digits, unit = ""] = FORM.exec(text.trim()) ?? [];
  if (digits === undefined) throw new StartupError([`${RULE}, got ${JSON.stringify(text)}`]);
  const figure = parseFigureName(name);
  const worse = higherIsBetter(figure) ? "<" : ">";
  if (sign !== worse) {
    const better = higherIsBetter(figure) ? "higher" : "lower";
    throw new StartupError([
      `--fail-on must limit the worse direction: ${figure} is better when ${better}, so ${figure}${worse}..., got ${
        JSON.stringify(text)
      }`,
    ]);
  }
  const number = Number(digits);
  if (signOfChange === "") {
    return { text, figure, kind: "value", bound: inItsUnit(figure, number, unit, text) };
  }
  const rises = worse === ">";
  if (unit !== "%" || (signOfChange === "+") !== rises || (!rises && number >= 100)) {
    throw new StartupError([
      `--fail-on must limit a change of ${figure} as ${figure}${
        rises ? ">+PERCENT%" : "<-PERCENT% with less than 100 %"
      }, got ${JSON.stringify(text)}`,
    ]);
  }
  return { text, figure, kind: "change", bound: rises ? 1 + number / 100 : 1 - number / 100 };
}

/** All of them, or the problems of all. @throws {StartupError} */
export function parseLimits(texts: readonly string[]): Limit[] {
  const problems: string[] = [];
  const limits = texts.flatMap((text) => {
    try {
      return [parseLimit(text)];
    } catch (thrown) {
      if (!(thrown instanceof StartupError)) throw thrown;
      problems.push(...thrown.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new StartupError(problems);
  return limits;
}

/** Milliseconds for latencies, a fraction for shares, else a plain number a second. */
function inItsUnit(figure: FigureName, number: number, unit: string, text: string): number {
  const factors: Readonly<Record<string, number>> = unitsOf(figure);
  const factor = factors[unit];
  if (factor !== undefined) return number * factor;
  const allowed = Object.keys(factors).map((name) => name || "no unit").join(" or ");
  throw new StartupError([
    `--fail-on must limit ${figure} with ${allowed}${
      unit === "%" ? ", or its change with a sign before the per cent" : ""
    }, got ${JSON.stringify(text)}`,
  ]);
}

function unitsOf(figure: FigureName): Readonly<Record<string, number>> {
  if (figure === "failed_share") return { "%": 0.01, "": 1 };
  return isLatency(figure) ? { ms: 1, s: 1000 } : { "": 1 };
}

export function isLatency(figure: FigureName): boolean {
  return /_(mean|p\d+)$/.test(figure);
}

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
