import type { CellSummary, RunSummary } from "../metrics/cell_summary.ts";
import { aboutRun, howMeasured, subjectLine, warnings } from "./about_run.ts";
import { counted, estimate, figure, folded, percent } from "../words.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";
import { type Column, tableOf, tableText } from "./table.ts";
import { type Failure, failuresOf, PHASES } from "./tables.ts";

/** A head has two lines: what, and which part of it. */
const COLUMNS: readonly Column<CellSummary>[] = [
  { head: "\nreqs", text: ({ requests }) => String(requests) },
  { head: "\nfailed", text: ({ failed }) => String(failed) },
  { head: "\nreq/s", text: ({ requestRate }) => estimate(requestRate) },
  { head: "output\ntok/s", text: ({ outputTokenRate }) => estimate(outputTokenRate) },
  { head: "TTFT\np50 ms", text: ({ ttftMs }) => estimate(ttftMs.p50) },
  { head: "\np95", text: ({ ttftMs }) => estimate(ttftMs.p95) },
  { head: "TPOT\np50 ms", text: ({ tpotMs }) => estimate(tpotMs.p50) },
  { head: "ITL\np99 ms", text: ({ itlMs }) => estimate(itlMs.p99) },
  { head: "E2E\np50 ms", text: ({ e2eMs }) => estimate(e2eMs.p50) },
  { head: "\np95", text: ({ e2eMs }) => estimate(e2eMs.p95) },
  { head: "\np99", text: ({ e2eMs }) => estimate(e2eMs.p99) },
  { head: "queue\nms", text: ({ queueWaitMs }) => estimate(queueWaitMs.mean) },
  { head: "\nbatch", text: ({ batches }) => figure(batches?.meanSize ?? NaN) },
];
const GOODPUT: Column<CellSummary> = {
  head: "goodput\nreq/s",
  text: ({ goodput }) => goodput ? estimate(goodput) : "-",
};

/** Longer names go on in the next line of their row, so that a table of sweeps keeps to a terminal's width. */
const NAMES: readonly Column<CellSummary>[] = [
  { head: "\nvariant", kind: "name", text: ({ variant }) => folded(variant, 26) },
  { head: "\nload", kind: "name", text: ({ load }) => folded(load, 16) },
];

const WIDTH = 150;

/** Of what is known about the run, the part without which the table can't be read. */
const LABELS: ReadonlySet<string> = new Set(["SLO", "Engine", "Settings"]);

/** The table that a run prints, with all that its reader must know to take the figures for what they are. */
export function textReport(input: ReportInput): string {
  const { summary } = input;
  if (summary.cells.length === 0) return [subjectLine(input), "Nothing was measured."].join("\n");
  return [
    subjectLine(input),
    "",
    table(summary),
    "",
    ...[
      ...verdicts(summary),
      ...lessonsOf(input),
      ...failuresOf(input).map(failureLine),
      ...whereTheTimeWent(summary),
      ...littlesLaw(summary),
      "",
      ...howMeasured(input),
      ...footnotes(summary),
      ...warnings(input),
      ...aboutRun(input).filter(([label]) => LABELS.has(label)).map((entry) => entry.join(": ")),
    ].map((line) => folded(line, WIDTH)),
  ].join("\n");
}

function failureLine({ variant, load, status, count, firstMessage }: Failure): string {
  return `Failed: ${count} x ${variant}, ${load}: ${status}; first: ${firstMessage}`;
}

function table({ cells }: RunSummary): string {
  const goodput = cells.some(({ goodput }) => goodput) ? [GOODPUT] : [];
  return tableText(tableOf([...NAMES, ...COLUMNS, ...goodput], cells), "plain");
}

/** What is wrong, and with which cells; the other reports have each cell's own figures. */
function verdicts({ cells }: RunSummary): string[] {
  const doubtful = cells.filter(({ verdict }) => !verdict.valid);
  if (doubtful.length === 0) return ["VALID"];
  const found = doubtful.flatMap((cell) => cell.verdict.findings.map((finding) => ({ cell, finding })));
  const kinds = Map.groupBy(found, ({ finding }) => finding.kind);
  return [
    `NOT VALID: ${doubtful.length} of ${counted(cells.length, "cell")}`,
    ...[...kinds.values()].map(([first, ...others]) => {
      const name = ({ variant, load }: CellSummary) => `${variant}, ${load}`;
      const also = others.length === 0 ? "" : ` Also ${others.map(({ cell }) => name(cell)).join("; ")}.`;
      return `- ${name(first!.cell)}: ${first!.finding.text}${also}`;
    }),
  ];
}

/** A part below this share of the time is left out of the line. */
const LEAST_SHARE = 0.02;
/** With more cells only those of the last load have a line; the other reports have all. */
const PHASE_LINES = 12;

function whereTheTimeWent({ cells }: RunSummary): string[] {
  const known = cells.filter(({ phases }) => phases !== null);
  const shown = known.length > PHASE_LINES ? known.filter(({ load }) => load === known.at(-1)?.load) : known;
  const lines = shown.flatMap(({ variant, load, phases }) => {
    if (phases === null) return [];
    const total = PHASES.reduce((sum, [key]) => sum + phases[key], phases.residualMs);
    const parts = PHASES
      .filter(([key]) => phases[key] >= LEAST_SHARE * total)
      .map(([key, name]) => `${name} ${percent(phases[key] / total)}`);
    return [`- ${variant}, ${load}: ${parts.join(", ")} of ${figure(total)} ms`];
  });
  return lines.length === 0 ? [] : ["Where the time went, on average:", ...lines];
}

function littlesLaw({ cells }: RunSummary): string[] {
  const residuals = cells.map(({ littlesLaw }) => littlesLaw.residual).filter(Number.isFinite);
  if (residuals.length === 0) return [];
  const [low, high] = [Math.min(...residuals), Math.max(...residuals)].map(percent);
  return [`Little's law: residuals from ${low} to ${high}.`];
}

function footnotes({ cells }: RunSummary): string[] {
  const notes: string[] = [];
  if (cells.some((cell) => COLUMNS.some(({ text }) => text(cell).endsWith("*")))) {
    notes.push("*: too few samples lie beyond this percentile to trust it.");
  }
  const interrupted = cells.reduce((sum, cell) => sum + cell.interrupted, 0);
  if (interrupted > 0) {
    const were = interrupted === 1 ? "was" : "were";
    notes.push(
      `${counted(interrupted, "request")} ${were} under way when the run was stopped; no figure has them.`,
    );
  }
  return notes;
}
