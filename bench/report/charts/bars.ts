import type { Estimate } from "../../metrics/cell_summary.ts";
import { sloText } from "../about_run.ts";
import {
  type Chart,
  CUT_OFF,
  endOf,
  type Layers,
  type Panel,
  panelsByLoad,
  rounded,
  type Row,
  type Subject,
  tooltip,
} from "./chart.ts";
import { variantColour } from "./colours.ts";

const PARTS = ["p50", "p95", "p99"] as const;

/** Percentiles with their confidence intervals. A panel for each load, each with an axis of its own. */
export function percentileChart(subject: Subject, what: "e2eMs" | "ttftMs"): Chart {
  const { summary: { cells }, variants } = subject;
  const name = what === "e2eMs" ? "E2E latency" : "TTFT";
  return {
    name: what === "e2eMs" ? "e2e_percentiles" : "ttft_percentiles",
    title: `Percentiles of ${name}`,
    about:
      `Lines are 95 % confidence intervals; ${CUT_OFF}, and one without an upper end has nothing that bounds it: ` +
      `too few samples, or failed requests. "failed" stands where the percentile itself does. Each panel has its own scale.`,
    legend: { palette: "variants", mark: "area", labels: variants },
    panels: panelsByLoad(subject, (load) =>
      barPanel(subject, {
        title: load,
        height: 220,
        places: PARTS,
        x: "percentile",
        y: `${name}, ms`,
        bars: cells.filter((cell) => cell.load === load).flatMap((cell) =>
          PARTS.map((part) => ({ variant: cell.variant, place: part, estimate: cell[what][part] }))
        ),
      })),
  };
}

/** Requests a second that kept the SLO; empty where none is stated. */
export function goodputChart(subject: Subject): Chart {
  const { summary: { cells }, variants, loads, plan: { slo } } = subject;
  const panel = barPanel(subject, {
    title: "",
    height: 240,
    places: loads,
    x: "load",
    y: "good requests/s",
    bars: cells.flatMap(({ variant, load, goodput }) =>
      goodput === null ? [] : [{ variant, place: load, estimate: goodput }]
    ),
  });
  return {
    name: "goodput",
    title: "Goodput",
    about: `Requests a second that kept all of ${sloText(slo) ?? "the SLO"}; lines are 95 % confidence ` +
      `intervals; ${CUT_OFF}.`,
    legend: { palette: "variants", mark: "area", labels: variants },
    panels: panel.values.length > 0 ? [panel] : [],
  };
}

interface Bars {
  readonly title: string;
  readonly height: number;
  /** Along the x axis, in this order; at each a bar for every variant. */
  readonly places: readonly string[];
  readonly x: string;
  readonly y: string;
  readonly bars: readonly {
    readonly variant: string;
    readonly place: string;
    readonly estimate: Estimate;
  }[];
}

function barPanel({ variants }: Subject, { title, height, places, x, y, bars }: Bars): Panel {
  const rows = bars.flatMap(({ variant, place, estimate: { value, low, high, samples } }): Row[] => {
    const v = variants.indexOf(variant);
    if (value === Infinity) return [{ v, place, failed: "failed" }];
    if (!Number.isFinite(value)) return [];
    return [{ v, place, y: rounded(value), low: finite(low), high: finite(high), samples }];
  });
  const interval: Layers[number] = {
    transform: [{ filter: "isValid(datum.low) && isValid(datum.high)" }],
    mark: { type: "rule", clip: true, color: { expr: "theme.ink" }, strokeWidth: 1.2 },
    encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } },
  };
  const failed: Layers[number] = {
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
  };
  return {
    title,
    values: rows,
    height,
    encoding: {
      x: {
        field: "place",
        type: "nominal",
        sort: [...places],
        title: null,
        scale: { paddingInner: 0.15, paddingOuter: 0.05 },
        axis: { labelAngle: 0, ticks: false, labelExpr: "split(datum.label, ' ')" },
      },
      xOffset: { field: "variant", sort: [...variants], scale: { domain: [...variants] } },
    },
    layer: [
      {
        transform: [{ filter: "isValid(datum.y)" }],
        mark: { type: "bar" },
        encoding: {
          y: {
            field: "y",
            type: "quantitative",
            title: y,
            scale: { zero: true, ...endOf(bars.map(({ estimate }) => estimate)) },
            axis: { tickCount: 5 },
          },
          color: variantColour(variants),
          tooltip: tooltip(["place", x, ""], ["y", y], ["low", "95 % from"], ["high", "95 % to"], [
            "samples",
            "requests",
            "",
          ]),
        },
      },
      interval,
      failed,
    ],
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? rounded(value) : null;
}
