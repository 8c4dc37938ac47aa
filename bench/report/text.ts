import type { ReportInput } from "./input.ts";

/** The table that a run prints, with all that its reader must know to take the figures for what they are. */
export function textReport(_input: ReportInput): string {
  throw new Error("to come");
}
