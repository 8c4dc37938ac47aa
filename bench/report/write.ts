import type { ReportInput } from "./input.ts";

export interface ReportFiles {
  /** A text table for the end of report.md. @default none */
  readonly dialects?: string;
}

/** Writes summary.json, report.md, report.html and charts/*.svg into the run's folder. */
export function writeReports(_folder: string, _input: ReportInput, _files: ReportFiles = {}): Promise<void> {
  throw new Error("to come");
}
