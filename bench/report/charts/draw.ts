/** Charts as SVG, drawn without a browser. */
import { plot } from "@observablehq/plot";
import { DOMParser } from "linkedom";
import { Markup, markup } from "../page/markup.ts";
import type { Chart, Legend, Panel } from "./chart.ts";
import { colourOf, dashOf, LIGHT, type Shape, shapeOf, variablesOf } from "./colours.ts";

const WIDTH = 380;
const FONT = "system-ui, 'Segoe UI', 'Liberation Sans', sans-serif";

/** One panel for the inside of a page, whose style sheet has the colours. */
export function panelSvg({ options }: Panel): Markup {
  const document = new DOMParser().parseFromString("<html></html>", "text/html");
  const style = { fontFamily: FONT, fontSize: "11px", color: "var(--soft)", overflow: "visible" };
  const svg = plot({
    ...{ document, className: "plot", width: WIDTH, style },
    ...{ marginTop: 14, marginLeft: 56, marginRight: 16, marginBottom: 38, ...options },
  });
  return new Markup(svg.outerHTML);
}

const [COLUMNS, GAP, HEAD, LINE] = [2, 36, 30, 20];

/** The whole chart as a document of its own in light colours, with its title and legend. */
export function chartSvg({ title, panels, legend }: Chart, subtitle: string): string {
  const heights = panels.map(({ options }) => options.height ?? 0);
  let y = 64;
  const placed = panels.map((panel, index) => {
    const x = 16 + (index % COLUMNS) * (WIDTH + GAP);
    const at = markup`<g transform="translate(${x},${y})"><text y="14" font-weight="600">${panel.title}</text>
<g transform="translate(0,${HEAD - 8})">${panelSvg(panel)}</g></g>`;
    const isLast = index % COLUMNS === COLUMNS - 1 || index === panels.length - 1;
    if (isLast) y += HEAD + Math.max(...heights.slice(index - index % COLUMNS, index + 1));
    return at;
  });
  const entries = legend.labels.map((label, index) =>
    markup`<g transform="translate(16,${y + 12 + LINE * index})">${swatch(legend, index)}<text x="${
      legend.mark === "line" ? 36 : 22
    }" y="11">${label}</text></g>`
  );
  const width = 32 + Math.min(COLUMNS, panels.length) * (WIDTH + GAP);
  const height = y + 24 + LINE * entries.length;
  const page =
    markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT}" font-size="12" fill="var(--ink)">
<rect width="100%" height="100%" fill="var(--paper)"/>
<text x="16" y="24" font-size="15" font-weight="600">${title}</text>
<text x="16" y="44" fill="var(--soft)">${subtitle}</text>
${placed}${entries}
</svg>`;
  const colours = variablesOf(LIGHT);
  return page.text.replace(/var\((--[a-z]+(?:-\d)?)\)/g, (whole, name) => colours.get(name) ?? whole);
}

/** What stands before a legend's entry: the mark with its colour, and its dash or shape. */
export function swatch({ palette, mark, colours }: Legend, index: number): Markup {
  const colour = colourOf(palette, colours?.[index] ?? index);
  if (mark === "line") {
    return markup`<svg width="28" height="14" aria-hidden="true"><path d="M0 7h28" stroke="${colour}" stroke-width="3" stroke-dasharray="${
      dashOf(index)
    }"/></svg>`;
  }
  const path = mark === "point" ? SHAPE_PATHS[shapeOf(index)] : "M0 0h14v14h-14z";
  return markup`<svg width="14" height="14" aria-hidden="true"><path d="${path}" fill="${colour}"/></svg>`;
}

/** The points' shapes in a box of 14 by 14, as Plot draws them. */
const SHAPE_PATHS: Readonly<Record<Shape, string>> = {
  circle: "M1 7a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z",
  square: "M2 2h10v10h-10z",
  triangle: "M7 1l6.5 12h-13z",
  diamond: "M7 0l5 7l-5 7l-5 -7z",
  cross: "M5 1h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
};
