import type { ReportInput } from "./input.ts";

export interface MarkdownOptions {
  /** Of the SVG files in the folder `charts` beside the report. @default none */
  readonly charts?: readonly string[];
  /** A text table that stands at the end as it is. @default none */
  readonly dialects?: string;
}

/** The content of report.md. */
export function markdownReport(_input: ReportInput, _options: MarkdownOptions = {}): string {
  throw new Error("to come");
}
