import type { Chart, Legend } from "../charts/chart.ts";
import { DARK, dashOf, LIGHT } from "../charts/colours.ts";
import type { ReportTable } from "../tables.ts";
import { type Markup, markup } from "./markup.ts";

/** A table that scrolls in its own box. */
export function tableSection({ name, title, about, heads, labels, rows }: ReportTable): Markup {
  const kind = (column: number) => column < labels ? (column < 3 ? "label" : "label message") : "figure";
  return markup`<section id="${name}">
<h2>${title}</h2>
<p class="about">${about}</p>
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table data-table="${name}">
<thead><tr>${
    heads.map((head, column) => markup`<th scope="col" class="${kind(column)}">${head}</th>`)
  }</tr></thead>
<tbody>
${
    rows.map((row) =>
      markup`<tr>${row.map((text, column) => markup`<td class="${kind(column)}">${text}</td>`)}</tr>\n`
    )
  }</tbody>
</table></div>
</section>`;
}

/** A chart's places in the page; the page's script draws into them. */
export function chartSection(chart: Chart): Markup {
  const { name, title, about, legend, panels } = chart;
  return markup`<section id="chart-${name}">
<h2>${title}</h2>
<p class="about">${about}</p>
${legendList(legend)}
<div class="panels">${
    panels.map((panel, index) =>
      markup`<div class="panel">${panel.title === "" ? "" : markup`<h3>${panel.title}</h3>`}
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

function legendList({ palette, labels, colours }: Legend): Markup {
  return markup`<ul class="legend">${
    labels.map((label, index) =>
      markup`<li>${swatch(palette, index, colours?.[index] ?? index)}${label}</li>`
    )
  }</ul>`;
}

function swatch(palette: Legend["palette"], index: number, colour: number): Markup {
  const hue = colour % LIGHT[palette].length;
  if (palette === "stages") {
    return markup`<svg width="14" height="14" aria-hidden="true"><rect width="14" height="14" rx="2" class="stages-${hue}"/></svg>`;
  }
  return markup`<svg width="26" height="14" aria-hidden="true"><line x1="0" x2="26" y1="7" y2="7" stroke-width="4" class="variants-${hue}" stroke-dasharray="${
    dashOf(index).join(" ")
  }"/></svg>`;
}

/** The palettes as style rules of the legends, in both themes. */
export function paletteStyle(): string {
  const rules = (theme: typeof LIGHT) =>
    (["variants", "stages"] as const).flatMap((palette) =>
      theme[palette].map((colour, index) => `.${palette}-${index} { fill: ${colour}; stroke: ${colour}; }`)
    ).join("\n");
  return `${rules(LIGHT)}\n@media screen and (prefers-color-scheme: dark) {\n${rules(DARK)}\n}`;
}
