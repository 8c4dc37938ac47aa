import { requestFigures } from "../../metrics/request.ts";
import { type Chart, msAxis, type Panel, rounded, type Subject } from "./chart.ts";
import { variantColour, variantDash } from "./colours.ts";
import { measuredByCell } from "./measured.ts";
import { CHART_ROWS, quantiles } from "./sampling.ts";

/** The share of requests that had ended, or begun to answer, within a time. A panel for each load. */
export function cdfChart(subject: Subject, what: "e2eMs" | "ttftMs"): Chart {
  const { variants, loads } = subject;
  const cells = measuredByCell(subject);
  const points = Math.max(20, Math.min(150, Math.floor(CHART_ROWS / Math.max(1, cells.length))));
  const rows = cells.flatMap(({ v, load, samples }) => {
    const sorted = samples.flatMap((sample) => requestFigures(sample)[what] ?? []).sort((a, b) => a - b);
    return quantiles(sorted, points).map(([x, y]) => ({ load, v, x: rounded(x), y: rounded(y) }));
  });
  const name = what === "e2eMs" ? "E2E latency" : "TTFT";
  const axis = msAxis(name, rows.map(({ x }) => x));
  return {
    name: what === "e2eMs" ? "e2e_cdf" : "ttft_cdf",
    title: `Distribution of ${name}`,
    about:
      `The share of requests whose ${name} was at most so long. Failed requests never arrive, so a curve with ` +
      `failures ends below 100 %. Curves have at most ${points} points, at even shares of the requests.`,
    legend: { palette: "variants", labels: variants },
    panels: loads.map((load): Panel => ({
      title: load,
      values: rows.filter((row) => row.load === load).map(({ v, x, y }) => ({ v, x, y })),
      height: 230,
      encoding: {
        x: { field: "x", type: "quantitative", ...axis },
        y: {
          field: "y",
          type: "quantitative",
          scale: { domain: [0, 1] },
          axis: { format: "%", tickCount: 5 },
          title: "share of requests",
        },
        color: variantColour(variants),
        strokeDash: variantDash(variants),
        tooltip: [
          { field: "variant", title: "variant" },
          { field: "y", title: "share of requests", format: ".1%" },
          { field: "x", title: `${name} at most, ms`, format: ",.4~r" },
        ],
      },
      layer: [
        { mark: { type: "line", strokeWidth: 1.8 } },
        {
          mark: { type: "point", size: 60, opacity: 0, filled: true },
          encoding: { strokeDash: { value: [1, 0] } },
        },
      ],
    })).filter(({ values }) => values.length > 0),
  };
}
