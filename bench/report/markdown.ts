import { aboutRun, howMeasured, isSimulated, subjectLine, warnings } from "./about_run.ts";
import { oneLine } from "./format.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";
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
    `# Omnispan run of ${escaped(environment.startedAt)}`,
    escaped(subjectLine(input)),
    isSimulated(input) ? "**Simulated: no model ran, the times come from a profile.**" : "",
    summary.cells.length === 0 ? "Nothing was measured." : verdicts(input),
    list([...lessonsOf(input), ...warnings(input)]),
    ...tablesOf(input).map(tableBlock),
    charts.length === 0 ? "" : `## Charts\n\n${charts.map(chartLink).join("\n\n")}`,
    dialects === undefined ? "" : `## The same samples in other tools' words\n\n${fenced(dialects)}`,
    `## About the run\n\n${list(aboutRun(input).map((entry) => entry.join(": ")))}`,
    list(howMeasured(input)),
  ];
  return blocks.filter((block) => block !== "").join("\n\n") + "\n";
}

function verdicts({ summary: { cells } }: ReportInput): string {
  const doubtful = cells.filter(({ verdict }) => !verdict.valid);
  if (doubtful.length === 0) return "**VALID**";
  const lines = doubtful.map(({ variant, load, verdict }) =>
    `${variant}, ${load}: ${verdict.findings.map(({ text }) => text).join(" ")}`
  );
  return `**NOT VALID**: ${doubtful.length} of ${cells.length} cells.\n\n${list(lines)}`;
}

function tableBlock({ title, about, heads, kinds, rows }: ReportTable): string {
  const lines = [
    heads.map(escaped),
    kinds.map((kind) => kind === "figure" ? "---:" : "---"),
    ...rows.map((row) => row.map(escaped)),
  ].map((cells) => `| ${cells.join(" | ")} |`);
  return `## ${title}\n\n${escaped(about)}\n\n${lines.join("\n")}`;
}

function chartLink(name: string): string {
  return `![${name.replaceAll("_", " ")}](charts/${name}.svg)`;
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${escaped(line)}`).join("\n");
}

/** Text as itself: no markup, no HTML, no end of a table's cell. Underscores inside words mean nothing in Markdown. */
function escaped(text: string): string {
  return oneLine(text).replace(/[\\`*[\]|]/g, "\\$&").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
