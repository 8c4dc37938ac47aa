import { join } from "node:path";
import { toJson } from "../metrics/summary.ts";
import { subjectLine } from "./about_run.ts";
import { subjectOf } from "./charts/chart.ts";
import { chartsOf } from "./charts/charts_of.ts";
import { loadCompiler } from "./charts/compile.ts";
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
  const svgs = await chartSvgs(input);
  const charts = join(folder, "charts");
  await Deno.mkdir(charts, { recursive: true });
  await Promise.all([...svgs].map(([name, svg]) => Deno.writeTextFile(join(charts, `${name}.svg`), svg)));
  const names = { charts: [...svgs.keys()] };
  const markdown = markdownReport(input, dialects === undefined ? names : { ...names, dialects });
  await Deno.writeTextFile(join(folder, "report.md"), markdown);
  await Deno.writeTextFile(join(folder, "report.html"), await htmlReport(input));
}

/** Every chart of the run as an SVG document in light colours, by its name. Needs no browser. */
export async function chartSvgs(input: ReportInput): Promise<ReadonlyMap<string, string>> {
  const compiler = await loadCompiler();
  const { parse, View } = await import("vega");
  const { variants } = subjectOf(input);
  const svgs = new Map<string, string>();
  for (const chart of chartsOf(input)) {
    const view = new View(parse(compiler.picture(chart, variants, subjectLine(input))), { renderer: "none" });
    svgs.set(chart.name, await view.toSVG());
    view.finalize();
  }
  return svgs;
}
