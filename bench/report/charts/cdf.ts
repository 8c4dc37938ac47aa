import { requestFigures } from "../../metrics/requests.ts";
import { type Chart, msAxis, type Panel, panelsByLoad, rounded, type Subject, tooltip } from "./chart.ts";
import { variantColour, variantDash } from "./colours.ts";
import { CHART_ROWS, measuredByCell, quantiles } from "./measured.ts";

/** The share of requests that had ended, or begun to answer, within a time. A panel for each load. */
export function cdfChart(subject: Subject, what: "e2eMs" | "ttftMs"): Chart {
  const { variants } = subject;
  const cells = measuredByCell(subject);
  const points = Math.max(20, Math.min(150, Math.floor(CHART_ROWS / Math.max(1, cells.length))));
  const rows = cells.flatMap(({ v, load, samples }) => {
    const sorted = samples.flatMap((sample) => requestFigures(sample)[what] ?? []).sort((a, b) => a - b);
    return quantiles(sorted, points).map(([x, y]) => ({ load, v, x: rounded(x), y: rounded(y) }));
  });
  const name = what === "e2eMs" ? "E2E latency" : "TTFT";
  return {
    name: what === "e2eMs" ? "e2e_cdf" : "ttft_cdf",
    title: `Distribution of ${name}`,
    about:
      `The share of requests whose ${name} was at most so long. Failed requests never arrive, so a curve with ` +
      `failures ends below 100 %. Curves have at most ${points} points, at even shares of the requests. Each panel has its own scale.`,
    legend: { palette: "variants", mark: "line", labels: variants },
    panels: panelsByLoad(
      subject,
      (load) => panelOf(load, name, variants, rows.filter((row) => row.load === load)),
    ),
  };
}

interface Point {
  readonly v: number;
  readonly x: number;
  readonly y: number;
}

function panelOf(load: string, name: string, variants: readonly string[], points: readonly Point[]): Panel {
  return {
    title: load,
    values: points.map(({ v, x, y }) => ({ v, x, y })),
    height: 230,
    encoding: {
      x: { field: "x", type: "quantitative", ...msAxis(name, points.map(({ x }) => x), false) },
      y: {
        field: "y",
        type: "quantitative",
        scale: { domain: [0, 1] },
        axis: { format: "%", tickCount: 5 },
        title: "share of requests",
      },
      color: variantColour(variants),
      strokeDash: variantDash(variants),
      tooltip: tooltip(["y", "share of requests", ".1%"], ["x", `${name} at most, ms`]),
    },
    layer: [
      { mark: { type: "line", strokeWidth: 1.8 } },
      {
        mark: { type: "point", size: 60, opacity: 0, filled: true },
        encoding: { strokeDash: { value: [1, 0] } },
      },
    ],
  };
}
