import { type Chart, CUT_OFF, endOf, type Panel, rounded, type Row, type Subject } from "./chart.ts";
import { variantColour } from "./colours.ts";

const PARTS = ["p50", "p95", "p99"] as const;

/** Percentiles with their confidence intervals. A panel for each load, each with an axis of its own. */
export function percentileChart(subject: Subject, what: "e2eMs" | "ttftMs"): Chart {
  const { summary: { cells }, variants, loads } = subject;
  const name = what === "e2eMs" ? "E2E latency" : "TTFT";
  const panels = loads.map((load): Panel => {
    const rows = cells.filter((cell) => cell.load === load).flatMap((cell) =>
      PARTS.flatMap((part): Row[] => {
        const { value, low, high, samples } = cell[what][part];
        const v = variants.indexOf(cell.variant);
        if (value === Infinity) return [{ v, part, failed: "failed" }];
        if (!Number.isFinite(value)) return [];
        return [{ v, part, y: rounded(value), low: finite(low), high: finite(high), samples }];
      })
    );
    const own = cells.filter((cell) => cell.load === load);
    return panelOf(
      load,
      name,
      variants,
      rows,
      endOf(own.flatMap((cell) => PARTS.map((part) => cell[what][part]))),
    );
  });
  return {
    name: what === "e2eMs" ? "e2e_percentiles" : "ttft_percentiles",
    title: `Percentiles of ${name}`,
    about:
      `Lines are 95 % confidence intervals; ${CUT_OFF}, and one without an upper end has nothing that bounds it: ` +
      `too few samples, or failed requests. "failed" stands where the percentile itself does. Each panel has its own scale.`,
    legend: { palette: "variants", mark: "area", labels: variants },
    panels: panels.filter(({ values }) => values.length > 0),
  };
}

function panelOf(
  load: string,
  name: string,
  variants: readonly string[],
  rows: readonly Row[],
  end: ReturnType<typeof endOf>,
): Panel {
  const y = {
    field: "y",
    type: "quantitative",
    title: `${name}, ms`,
    scale: { zero: true, ...end },
    axis: { tickCount: 5 },
  };
  return {
    title: load,
    values: rows,
    height: 220,
    encoding: {
      x: {
        field: "part",
        type: "nominal",
        sort: [...PARTS],
        title: null,
        scale: { paddingInner: 0.15, paddingOuter: 0.05 },
        axis: { labelAngle: 0, ticks: false },
      },
      xOffset: { field: "variant", sort: [...variants], scale: { domain: [...variants] } },
    },
    layer: [
      {
        transform: [{ filter: "isValid(datum.y)" }],
        mark: { type: "bar" },
        encoding: {
          y: { ...y, type: "quantitative" },
          color: variantColour(variants),
          tooltip: [
            { field: "variant", title: "variant" },
            { field: "part", title: "percentile" },
            { field: "y", title: `${name}, ms`, format: ",.4~r" },
            { field: "low", title: "95 % from", format: ",.4~r" },
            { field: "high", title: "95 % to", format: ",.4~r" },
            { field: "samples", title: "requests" },
          ],
        },
      },
      {
        transform: [{ filter: "isValid(datum.low) && isValid(datum.high)" }],
        mark: { type: "rule", clip: true, color: { expr: "theme.ink" }, strokeWidth: 1.2 },
        encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } },
      },
      {
        transform: [{ filter: "isValid(datum.failed)" }],
        mark: {
          type: "text",
          angle: 270,
          align: "left",
          dx: 4,
          baseline: "middle",
          color: { expr: "theme.ink" },
        },
        encoding: { text: { field: "failed" }, y: { datum: 0, type: "quantitative" } },
      },
    ],
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? rounded(value) : null;
}
