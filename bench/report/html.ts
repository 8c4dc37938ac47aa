import { aboutRun, doubtfulCells, howMeasured, isSimulated, subjectLine, warnings } from "./about_run.ts";
import { type Chart, subjectOf } from "./charts/chart.ts";
import { chartsOf } from "./charts/charts_of.ts";
import { DARK, LIGHT } from "./charts/colours.ts";
import { type Compiler, loadCompiler } from "./charts/compile.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";
import { Markup, markup, scriptJson } from "./page/markup.ts";
import { pageScript, pageStyle, vegaRuntime } from "./page/runtime.ts";
import { chartSection, paletteStyle, panelId, tableSection } from "./page/sections.ts";
import { tablesOf } from "./tables.ts";

/** Which charts stand below which table; a reader sees the figures first. */
const CHARTS_BELOW: Readonly<Record<string, readonly string[]>> = {
  throughput: ["throughput_latency", "goodput"],
  latency: ["e2e_percentiles", "ttft_percentiles", "e2e_cdf", "ttft_cdf"],
  tokens: ["ttft_over_time", "tpot_over_time"],
  phases: ["phases"],
  batches: ["batch_sizes", "timeline"],
};

/**
 * The content of report.html: one file that needs no other. Its policy forbids the browser every connection, and every
 * script but its own two.
 */
export async function htmlReport(input: ReportInput): Promise<string> {
  const [vega, script, style, compiler] = await Promise.all([
    vegaRuntime(),
    pageScript(),
    pageStyle(),
    loadCompiler(),
  ]);
  const charts = chartsOf(input);
  // Vega makes functions of its own expressions, hence 'unsafe-eval'; none of them comes from the recording.
  const policy =
    `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ${vega.source} ${script.source} 'unsafe-eval'`;
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Omnispan run of ${input.environment.startedAt}</title>
<link rel="icon" href="data:,">
<style>
${new Markup(style)}${new Markup(paletteStyle())}
</style>
</head>
<body>
<main>
${head(input)}
${body(input, charts)}
${about(input)}
</main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="charts">${chartData(input, charts, compiler)}</script>
<script>${new Markup(vega.text)}</script>
<script>${new Markup(script.text)}</script>
</body>
</html>
`;
  return page.text;
}

function head(input: ReportInput): Markup {
  const lessons = [...lessonsOf(input), ...warnings(input)];
  return markup`<h1>Omnispan run</h1>
<p class="about">${subjectLine(input)}; ${startOf(input)}</p>
${
    isSimulated(input)
      ? markup`<p class="simulated">Simulated: no model ran, the times come from a profile</p>`
      : ""
  }
${verdict(input)}
${
    lessons.length === 0
      ? ""
      : markup`<ul class="lessons">${lessons.map((line) => markup`<li>${line}</li>`)}</ul>`
  }
<noscript><p>The charts need JavaScript; all figures are in the tables.</p></noscript>`;
}

/** `2026-01-31 12:00:00 UTC`. */
function startOf({ environment: { startedAt } }: ReportInput): string {
  return startedAt.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
}

function verdict(input: ReportInput): Markup {
  const { cells } = input.summary;
  if (cells.length === 0) {
    return markup`<p class="verdict doubtful"><strong>Nothing was measured.</strong></p>`;
  }
  const doubtful = doubtfulCells(input);
  if (doubtful.length === 0) {
    return markup`<p class="verdict"><strong>VALID</strong>: no finding speaks against a cell.</p>`;
  }
  return markup`<div class="verdict doubtful"><strong>NOT VALID</strong>: ${doubtful.length} of ${cells.length} cells<ul>${
    doubtful.map((line) => markup`<li>${line}</li>`)
  }</ul></div>`;
}

function body(input: ReportInput, charts: readonly Chart[]): Markup[] {
  return tablesOf(input).flatMap((table) => {
    const below = CHARTS_BELOW[table.name] ?? [];
    return [tableSection(table), ...charts.filter(({ name }) => below.includes(name)).map(chartSection)];
  });
}

function about(input: ReportInput): Markup {
  return markup`<section id="about">
<h2>About the run</h2>
<dl>${aboutRun(input).map(([label, text]) => markup`<dt>${label}</dt><dd>${text}</dd>`)}</dl>
<ul class="about">${howMeasured(input).map((line) => markup`<li>${line}</li>`)}</ul>
</section>`;
}

function chartData(input: ReportInput, charts: readonly Chart[], compiler: Compiler): Markup {
  const { variants } = subjectOf(input);
  return scriptJson({
    themes: { light: LIGHT, dark: DARK },
    charts: charts.flatMap(({ name, panels }) =>
      panels.map((panel, index) => ({ id: panelId(name, index), spec: compiler.panel(panel, variants) }))
    ),
  });
}
