import { PHASES } from "../tables.ts";
import {
  type Chart,
  type Legend,
  panelsByLoad,
  rounded,
  rowsHeight,
  type Subject,
  tooltip,
  variantRows,
} from "./chart.ts";
import { stageColour } from "./colours.ts";

/** Where a request's time went, on average. A panel for each load. */
export function phaseChart(subject: Subject): Chart {
  const { summary: { cells }, variants } = subject;
  const legend: Legend = { palette: "stages", mark: "area", labels: PHASES.map(([, name]) => name) };
  const panels = panelsByLoad(subject, (load) => {
    const there = cells.filter((cell) => cell.load === load && cell.phases !== null);
    const own = variants.filter((variant) => there.some((cell) => cell.variant === variant));
    const rows = there.flatMap(({ variant, phases }) =>
      PHASES.map(([key, phase], order) => ({
        v: variants.indexOf(variant),
        phase,
        order,
        x: rounded(Math.max(0, phases?.[key] ?? 0)),
      }))
    );
    return {
      title: load,
      values: rows,
      height: rowsHeight(own),
      layer: [{
        mark: { type: "bar", stroke: { expr: "theme.paper" }, strokeWidth: 0.6 },
        encoding: {
          y: variantRows(own),
          x: {
            field: "x",
            type: "quantitative",
            title: "mean time of a successful request, ms",
            axis: { tickCount: 5 },
          },
          color: stageColour("phase", legend),
          order: { field: "order", type: "quantitative" },
          tooltip: tooltip(["phase", "phase", ""], ["x", "mean, ms"]),
        },
      }],
    };
  });
  return {
    name: "phases",
    title: "Phases of a request",
    about:
      "Mean time of the successful requests in each part of their way, from the engine's and the worker's own " +
      "ledger. Each panel has its own scale.",
    legend,
    panels,
  };
}
