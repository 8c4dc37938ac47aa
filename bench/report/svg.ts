import { subjectLine } from "./about_run.ts";
import { chartsOf } from "./charts/charts_of.ts";
import { subjectOf } from "./charts/chart.ts";
import { loadCompiler } from "./charts/compile.ts";
import type { ReportInput } from "./input.ts";

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
