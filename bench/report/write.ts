import { join } from "node:path";
import { toJson } from "../metrics/summary.ts";
import { htmlReport } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { markdownReport } from "./markdown.ts";
import { chartSvgs } from "./svg.ts";

export interface ReportFiles {
  /** A text table for the end of report.md. @default none */
  readonly dialects?: string;
}

/** Writes summary.json, report.md, report.html and charts/*.svg into the run's folder, over those that are there. */
export async function writeReports(
  folder: string,
  input: ReportInput,
  { dialects }: ReportFiles = {},
): Promise<void> {
  await Deno.writeTextFile(join(folder, "summary.json"), toJson(input.summary));
  const svgs = await chartSvgs(input);
  const charts = join(folder, "charts");
  await Deno.mkdir(charts, { recursive: true });
  await Promise.all([...svgs].map(([name, svg]) => Deno.writeTextFile(join(charts, `${name}.svg`), svg)));
  const names = { charts: [...svgs.keys()] };
  const markdown = markdownReport(input, dialects === undefined ? names : { ...names, dialects });
  await Deno.writeTextFile(join(folder, "report.md"), markdown);
  await Deno.writeTextFile(join(folder, "report.html"), await htmlReport(input));
}
