// @ts-types="@types/d3-array"
import { median } from "d3-array";
import { requestFigures } from "../../metrics/requests.ts";
import {
  type Chart,
  msAxis,
  type Panel,
  panelsByLoad,
  rounded,
  type Row,
  type Subject,
  tooltip,
} from "./chart.ts";
import { variantColour } from "./colours.ts";
import { CHART_ROWS, evenly, measuredByCell, type MeasuredCell, turnStarts } from "./measured.ts";

/** Bins of the median line over the longest turn. */
const BINS = 24;
/** Of one cell in a bin; with fewer a median is but a point. */
const LEAST_IN_BIN = 3;

interface Timed {
  readonly atS: number;
  readonly ms: number;
}

/** Every request's TTFT or TPOT at the time at which it was meant to leave. A panel for each load. */
export function overTimeChart(subject: Subject, what: "ttftMs" | "tpotMs"): Chart {
  const { variants } = subject;
  const cells = measuredByCell(subject).map((cell) => ({ ...cell, series: seriesOf(cell, what) }));
  const total = cells.reduce((sum, { series }) => sum + series.length, 0);
  const share = Math.min(1, CHART_ROWS / Math.max(1, total));
  const name = what === "ttftMs" ? "TTFT" : "TPOT";
  const panels = panelsByLoad(subject, (load) => {
    const own = cells.filter((cell) => cell.load === load);
    const endS = Math.max(0, ...own.map(({ series }) => series.at(-1)?.atS ?? 0));
    const rows = own.flatMap(({ v, series }) => [
      ...evenly(series, Math.ceil(series.length * share)).map(({ atS, ms }) => rowOf(v, atS, ms, "point")),
      ...medians(series, endS / BINS).map(({ atS, ms }) => rowOf(v, atS, ms, "median")),
    ]);
    return panelOf(load, name, variants, rows);
  });
  const sampled = share < 1
    ? ` Drawn are ${Math.ceil(total * share)} of ${total} requests, evenly over time.`
    : "";
  return {
    name: what === "ttftMs" ? "ttft_over_time" : "tpot_over_time",
    title: `${name} over time`,
    about:
      `A point for each successful request, at the time since its turn began; turns of all rounds lie over each ` +
      `other. Lines are medians of ${BINS} stretches of time.${sampled}`,
    legend: { palette: "variants", mark: "area", labels: variants },
    panels,
  };
}

function seriesOf({ samples }: MeasuredCell, what: "ttftMs" | "tpotMs"): Timed[] {
  const starts = turnStarts(samples);
  return samples.flatMap((sample) => {
    const ms = requestFigures(sample)[what];
    const atS = (sample.intendedAt - (starts.get(sample.round) ?? 0)) / 1000;
    return ms === undefined || !Number.isFinite(ms) ? [] : [{ atS, ms }];
  }).sort((a, b) => a.atS - b.atS);
}

function medians(series: readonly Timed[], widthS: number): Timed[] {
  if (widthS <= 0) return [];
  const bins = Map.groupBy(series, ({ atS }) => Math.min(BINS - 1, Math.floor(atS / widthS)));
  return [...bins].flatMap(([bin, own]) => {
    const ms = median(own, ({ ms }) => ms);
    return ms === undefined || own.length < LEAST_IN_BIN ? [] : [{ atS: (bin + 0.5) * widthS, ms }];
  });
}

function rowOf(v: number, atS: number, ms: number, kind: "point" | "median"): Row {
  return { v, x: rounded(atS), y: rounded(ms), kind };
}

function panelOf(load: string, name: string, variants: readonly string[], rows: readonly Row[]): Panel {
  const axis = msAxis(name, rows.map(({ y }) => Number(y)), false);
  return {
    title: load,
    values: rows,
    height: 220,
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: "time since the turn began, s",
        scale: { nice: false, padding: 8 },
        axis: { tickCount: 6 },
      },
      y: { field: "y", type: "quantitative", ...axis },
      color: variantColour(variants),
    },
    layer: [
      {
        transform: [{ filter: "datum.kind === 'point'" }],
        mark: { type: "circle", size: 14, opacity: 0.45 },
        encoding: {
          tooltip: tooltip(["x", "since the turn began, s"], ["y", `${name}, ms`]),
        },
      },
      {
        transform: [{ filter: "datum.kind === 'median'" }],
        mark: { type: "line", strokeWidth: 2 },
      },
    ],
  };
}
