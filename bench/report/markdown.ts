import { aboutRun, doubtfulCells, howMeasured, isSimulated, subjectLine, warnings } from "./about_run.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";
import { escapedMarkdown, listMarkdown, tableMarkdown } from "./table.ts";
import { type ReportTable, tablesOf } from "./tables.ts";

export interface MarkdownOptions {
  /** Of the SVG files in the folder `charts` beside the report. @default none */
  readonly charts?: readonly string[];
  /** A text table that stands at the end as it is. @default none */
  readonly dialects?: string;
}

/** The content of report.md. */
export function markdownReport(input: ReportInput, { charts = [], dialects }: MarkdownOptions = {}): string {
  const { environment, summary } = input;
  const blocks = [
    `# Omnispan run of ${escapedMarkdown(environment.startedAt)}`,
    escapedMarkdown(subjectLine(input)),
    isSimulated(input) ? "**Simulated: no model ran, the times come from a profile.**" : "",
    summary.cells.length === 0 ? "Nothing was measured." : verdicts(input),
    listMarkdown([...lessonsOf(input), ...warnings(input)]),
    ...tablesOf(input).map(tableBlock),
    charts.length === 0 ? "" : `## Charts\n\n${charts.map(chartLink).join("\n\n")}`,
    dialects === undefined ? "" : `## The same samples in other tools' words\n\n${fenced(dialects)}`,
    `## About the run\n\n${listMarkdown(aboutRun(input).map((entry) => entry.join(": ")))}`,
    listMarkdown(howMeasured(input)),
  ];
  return blocks.filter((block) => block !== "").join("\n\n") + "\n";
}

function verdicts(input: ReportInput): string {
  const doubtful = doubtfulCells(input);
  if (doubtful.length === 0) return "**VALID**";
  const { cells } = input.summary;
  return `**NOT VALID**: ${doubtful.length} of ${cells.length} cells.\n\n${listMarkdown(doubtful)}`;
}

function tableBlock(table: ReportTable): string {
  return `## ${table.title}\n\n${escapedMarkdown(table.about)}\n\n${tableMarkdown(table)}`;
}

function chartLink(name: string): string {
  return `![${name.replaceAll("_", " ")}](charts/${name}.svg)`;
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
