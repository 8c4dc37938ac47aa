import type { ReportInput } from "./input.ts";

/** The content of report.html: one file that needs no other and reaches for no network. */
export function htmlReport(_input: ReportInput): Promise<string> {
  throw new Error("to come");
}
