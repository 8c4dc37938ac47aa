import type { Chart, Legend } from "../charts/chart.ts";
import { DARK, dashOf, LIGHT, type Shape, shapeOf } from "../charts/colours.ts";
import { tableHtml } from "../table.ts";
import type { ReportTable } from "../tables.ts";
import { type Markup, markup } from "./markup.ts";

/** A table that scrolls in its own box. */
export function tableSection(table: ReportTable): Markup {
  const { name, title, about } = table;
  return markup`<section id="${name}">
<h2>${title}</h2>
<p class="about">${about}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${title}">${tableHtml(table, name)}</div>
</section>`;
}

/** A chart's places in the page; the page's script draws into them. */
export function chartSection(chart: Chart): Markup {
  const { name, title, about, legend, panels } = chart;
  return markup`<section id="chart-${name}">
<h3>${title}</h3>
<p class="about">${about}</p>
${legendList(legend)}
<div class="panels">${
    panels.map((panel, index) =>
      markup`<div class="panel">${panel.title === "" ? "" : markup`<h4>${panel.title}</h4>`}
<div class="chart" id="${panelId(name, index)}" role="img" aria-label="${title}${
        panel.title && `, ${panel.title}`
      }"></div></div>\n`
    )
  }</div>
</section>`;
}

export function panelId(chart: string, index: number): string {
  return `chart-${chart}-${index}`;
}

function legendList({ palette, mark, labels, colours }: Legend): Markup {
  return markup`<ul class="legend">${
    labels.map((label, index) =>
      markup`<li>${swatch(palette, mark, index, colours?.[index] ?? index)}${label}</li>`
    )
  }</ul>`;
}

function swatch(palette: Legend["palette"], mark: Legend["mark"], index: number, colour: number): Markup {
  const style = `${palette}-${colour % LIGHT[palette].length}`;
  if (mark === "line") {
    return markup`<svg width="28" height="14" aria-hidden="true"><path d="M0 7h28" stroke-width="3" class="${style}" stroke-dasharray="${
      dashOf(index).join(" ")
    }"/></svg>`;
  }
  return markup`<svg width="14" height="14" aria-hidden="true"><path d="${
    mark === "point" ? SHAPE_PATHS[shapeOf(index)] : "M0 0h14v14h-14z"
  }" class="${style}"/></svg>`;
}

/** The points' shapes in a box of 14 by 14, as Vega draws them. */
const SHAPE_PATHS: Readonly<Record<Shape, string>> = {
  circle: "M1 7a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
  square: "M2 2h10v10h-10z",
  "triangle-up": "M7 1l6.5 12h-13z",
  diamond: "M7 0l5 7l-5 7l-5 -7z",
  cross: "M5 1h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
  "triangle-down": "M7 13l6.5 -12h-13z",
};

/** The palettes as style rules of the legends, in both themes. */
export function paletteStyle(): string {
  const rules = (theme: typeof LIGHT) =>
    (["variants", "stages"] as const).flatMap((palette) =>
      theme[palette].map((colour, index) => `.${palette}-${index} { fill: ${colour}; stroke: ${colour}; }`)
    ).join("\n");
  return `${rules(LIGHT)}\n@media screen and (prefers-color-scheme: dark) {\n${rules(DARK)}\n}`;
}
