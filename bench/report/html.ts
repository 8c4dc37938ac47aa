import { fileURLToPath } from "node:url";
import { aboutRun, doubtfulCells, howMeasured, isSimulated, subjectLine, warnings } from "./about_run.ts";
import type { Chart, Panel } from "./charts/chart.ts";
import { chartsOf } from "./charts/charts_of.ts";
import { DARK, LIGHT, type Theme, variablesOf } from "./charts/colours.ts";
import { panelSvg, swatch } from "./charts/draw.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";
import { Markup, markup } from "./page/markup.ts";
import { tableHtml } from "./table.ts";
import { type ReportTable, tablesOf } from "./tables.ts";

/** Which charts stand below which table; a reader sees the figures first. */
const CHARTS_BELOW: Readonly<Record<string, readonly string[]>> = {
  throughput: ["throughput_latency", "goodput"],
  latency: ["e2e_percentiles", "ttft_percentiles", "e2e_cdf", "ttft_cdf"],
  tokens: ["ttft_over_time", "tpot_over_time"],
  phases: ["phases"],
  batches: ["batch_sizes", "timeline"],
};

/** The content of report.html: one file that needs no other. It has no script, and its policy forbids every connection. */
export async function htmlReport(input: ReportInput): Promise<string> {
  const style = await Deno.readTextFile(fileURLToPath(new URL("page/page.css", import.meta.url)));
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
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
${body(input, chartsOf(input))}
${about(input)}
</main>
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
  }`;
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

/** A table that scrolls in its own box. */
function tableSection(table: ReportTable): Markup {
  const { name, title, about } = table;
  return markup`<section id="${name}">
<h2>${title}</h2>
<p class="about">${about}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${title}">${tableHtml(table, name)}</div>
</section>`;
}

function chartSection({ name, title, about, legend, panels }: Chart): Markup {
  return markup`<section id="chart-${name}">
<h3>${title}</h3>
<p class="about">${about}</p>
<ul class="legend">${
    legend.labels.map((label, index) => markup`<li>${swatch(legend, index)}${label}</li>`)
  }</ul>
<div class="panels">${panels.map((panel) => chartPanel(title, panel))}</div>
</section>`;
}

function chartPanel(chart: string, panel: Panel): Markup {
  const name = panel.title === "" ? chart : `${chart}, ${panel.title}`;
  return markup`<div class="panel">${panel.title === "" ? "" : markup`<h4>${panel.title}</h4>`}
<div class="chart" role="img" aria-label="${name}">${panelSvg(panel)}</div></div>\n`;
}

/** The palettes of the charts as style rules, in both themes; a print is light. */
function paletteStyle(): string {
  const rules = (theme: Theme) =>
    `:root { ${
      [...variablesOf(theme)].filter(([name]) => /\d$/.test(name)).map((rule) => rule.join(": ")).join("; ")
    }; }`;
  return `${rules(LIGHT)}\n@media screen and (prefers-color-scheme: dark) {\n${rules(DARK)}\n}`;
}
