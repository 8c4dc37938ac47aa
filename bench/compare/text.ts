/** A comparison in words and tables, for a terminal and as Markdown. */
import { join } from "node:path";
import { toJson } from "../metrics/summary.ts";
import { counted, estimate } from "../words.ts";
import {
  type Column,
  escapedMarkdown,
  listMarkdown,
  type Table,
  tableMarkdown,
  tableOf,
  tableText,
} from "../report/table.ts";
import type { Change, ComparedCell, ComparedFigure, ComparedSide } from "./cells.ts";
import type { Comparison } from "./comparison.ts";
import { isLatency, type Judgement } from "./gate.ts";

const COLUMNS: readonly Column<ComparedFigure>[] = [
  {
    head: "figure",
    kind: "name",
    text: ({ figure }) => isLatency(figure) ? `${figure} ms` : figure,
  },
  { head: "base", text: ({ base }) => estimate(base) },
  { head: "new", text: ({ next }) => estimate(next) },
  { head: "new / base", text: ({ ratio }) => ratioText(ratio.value) },
  {
    head: "95 % interval",
    text: ({ change, ratio: { low, high } }) =>
      change === "unknown" || Number.isNaN(low) ? "-" : `${ratioText(low)} to ${ratioText(high)}`,
  },
  { head: "verdict", kind: "name", text: ({ change, ratio }) => changeText(change, ratio) },
];

/** For a terminal: a table for each load. */
export function comparisonText(comparison: Comparison): string {
  return [
    titleOf(comparison),
    ...comparison.cells.flatMap((cell) => ["", cell.load, ...aboutCell(cell), tableText(tableOfCell(cell))]),
    "",
    ...notesOf(comparison),
    ...comparison.limits.map(judgementText),
  ].join("\n");
}

/** compare.md, for a pull request or the summary of a CI job. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { cells, limits } = comparison;
  return [
    "# Comparison",
    escapedMarkdown(titleOf(comparison)),
    ...(limits.length === 0 ? [] : [listMarkdown(limits.map(judgementText))]),
    ...cells.flatMap((cell) => [
      `## ${escapedMarkdown(cell.load)}`,
      ...aboutCell(cell).map(escapedMarkdown),
      tableMarkdown(tableOfCell(cell)),
    ]),
    listMarkdown(notesOf(comparison)),
  ].join("\n\n") + "\n";
}

/** Leaves compare.json and compare.md in a results folder; those of an earlier comparison are overwritten. */
export async function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  await Deno.writeTextFile(join(folder, "compare.json"), toJson(comparison));
  await Deno.writeTextFile(join(folder, "compare.md"), comparisonMarkdown(comparison));
}

function titleOf({ base, next }: Comparison): string {
  return base.startedAt === next.startedAt
    ? `BASE ${base.name} and NEW ${next.name}, measured together at ${base.startedAt}`
    : `BASE ${base.name} of ${base.startedAt} and NEW ${next.name} of ${next.startedAt}`;
}

/** A complete line for each thing to know about a pair of cells before its figures are read. */
function aboutCell({ base, next, paired }: ComparedCell): string[] {
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

/** A figure that neither side has is left out. */
export function tableOfCell({ figures }: ComparedCell): Table {
  return tableOf(
    COLUMNS,
    figures.filter(({ base, next }) => !Number.isNaN(base.value) || !Number.isNaN(next.value)),
  );
}

/** Makes the notes that apply to the whole comparison and stand under its table. */
function notesOf(comparison: Comparison): string[] {
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

function judgementText({ limit, load, variant, outcome, reasons }: Judgement): string {
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
