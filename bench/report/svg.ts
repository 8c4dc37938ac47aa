import type { ReportInput } from "./input.ts";

/** Every chart of the run as an SVG document, by its name. Needs no browser. */
export function chartSvgs(_input: ReportInput): Promise<ReadonlyMap<string, string>> {
  throw new Error("to come");
}
