import { join } from "node:path";
import { toJson } from "../metrics/summary.ts";
import { subjectLine } from "./about_run.ts";
import { chartsOf } from "./charts/charts_of.ts";
import { chartSvg } from "./charts/draw.ts";
import { htmlReport } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { type MarkdownOptions, markdownReport } from "./markdown.ts";

/** Writes summary.json, report.md, report.html and charts/*.svg into the run's folder, over those that are there. */
export async function writeReports(
  folder: string,
  input: ReportInput,
  { dialects }: Pick<MarkdownOptions, "dialects"> = {},
): Promise<void> {
  await Deno.writeTextFile(join(folder, "summary.json"), toJson(input.summary));
  const svgs = chartSvgs(input);
  const charts = join(folder, "charts");
  await Deno.mkdir(charts, { recursive: true });
  await Promise.all([...svgs].map(([name, svg]) => Deno.writeTextFile(join(charts, `${name}.svg`), svg)));
  const names = { charts: [...svgs.keys()] };
  const markdown = markdownReport(input, dialects === undefined ? names : { ...names, dialects });
  await Deno.writeTextFile(join(folder, "report.md"), markdown);
  await Deno.writeTextFile(join(folder, "report.html"), await htmlReport(input));
}

/** Every chart of the run as an SVG document in light colours, by its name. Needs no browser. */
export function chartSvgs(input: ReportInput): ReadonlyMap<string, string> {
  return new Map(chartsOf(input).map((chart) => [chart.name, chartSvg(chart, subjectLine(input))]));
}
