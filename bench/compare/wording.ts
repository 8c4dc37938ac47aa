/** A comparison in words; text.ts and markdown.ts set them. */
import { estimate } from "../report/format.ts";
import { counted } from "../words.ts";
import type { Change, ComparedCell, ComparedFigure, ComparedSide } from "./compared.ts";
import type { Comparison } from "./comparison.ts";
import type { Judgement } from "./judge.ts";
import { isLatency } from "./limit.ts";

export const COLUMNS = ["figure", "base", "new", "new / base", "95 % interval", "verdict"] as const;

export function titleOf({ base, next }: Comparison): string {
  return base.startedAt === next.startedAt
    ? `BASE ${base.name} and NEW ${next.name}, measured together at ${base.startedAt}`
    : `BASE ${base.name} of ${base.startedAt} and NEW ${next.name} of ${next.startedAt}`;
}

/** A complete line for each thing to know about a pair of cells before its figures are read. */
export function aboutCell({ base, next, paired }: ComparedCell): string[] {
  const way = paired
    ? "Paired by round: they took turns, so what the machine did to both falls out of the ratios."
    : "Not paired: they were measured apart, and what the machine did to one of them is in the ratios.";
  return [
    `BASE ${base.variant}: ${countsOf(base)}. NEW ${next.variant}: ${countsOf(next)}. ${way}`,
    ...[["BASE", base] as const, ["NEW", next] as const].flatMap(([who, { findings }]) =>
      findings.map(({ text }) => `${who} is NOT VALID: ${text}`)
    ),
  ];
}

/** In the order of `COLUMNS`; a figure that neither side has is left out. */
export function rowsOf({ figures }: ComparedCell): string[][] {
  return figures.filter(({ base, next }) => !Number.isNaN(base.value) || !Number.isNaN(next.value)).map(
    ({ figure, base, next, ratio, change }) => [
      isLatency(figure) ? `${figure} ms` : figure,
      estimate(base),
      estimate(next),
      ratioText(ratio.value),
      change === "unknown" || Number.isNaN(ratio.low)
        ? "-"
        : `${ratioText(ratio.low)} to ${ratioText(ratio.high)}`,
      changeText(change, ratio),
    ],
  );
}

/** What holds for the whole comparison. */
export function notesOf(comparison: Comparison): string[] {
  const { cells, differences, unmatched, intervals, shown } = comparison;
  const few = cells.some(({ figures }) => figures.some(({ base, next }) => base.few || next.few));
  return [
    ...(few ? ["*: too few samples lie beyond the percentile to trust it."] : []),
    ...(intervals === 0 ? [] : [
      `${intervals} ratios have a 95 % interval; ${shown} of these exclude 1. If nothing had changed, 1 in 20 would by chance.`,
    ]),
    ...differences.map((line) => `The sides differ in ${line}.`),
    ...unmatched.map(({ onlyIn, variant, load }) =>
      `Not compared, for only ${onlyIn} has it: ${variant}, ${load}.`
    ),
  ];
}

export function judgementText({ limit, load, variant, outcome, reasons }: Judgement): string {
  const words = { kept: "kept", broken: "BROKEN", undecided: "UNDECIDED" } as const;
  return `${limit}: ${words[outcome]} by ${variant}, ${load}${
    reasons.length === 0 ? "" : ` (${reasons.join("; ")})`
  }`;
}

function countsOf({ requests, failed }: ComparedSide): string {
  return `${counted(requests, "request")}, ${failed} failed`;
}

function ratioText(value: number): string {
  if (Number.isNaN(value)) return "-";
  return value === Infinity ? "∞" : value.toFixed(value >= 100 ? 0 : 3);
}

function changeText(change: Change, { value }: ComparedFigure["ratio"]): string {
  if (change === "same") return "no difference shown";
  if (change === "unknown") return "can't tell";
  if (value === Infinity || value === 0) return `${change} without bound`;
  return `${change} by ${(Math.abs(value - 1) * 100).toFixed(1)} %`;
}
