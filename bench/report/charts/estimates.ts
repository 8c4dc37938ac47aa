/** The charts of what a summary says of each cell: throughput against latency, percentiles, goodput, phases. */
import * as Plot from "@observablehq/plot";
import type { CellSummary, Estimate } from "../../metrics/cell_summary.ts";
import { sloText } from "../about_run.ts";
import { PHASES } from "../tables.ts";
import {
  axis,
  type Chart,
  CUT_OFF,
  endOf,
  INTERVAL_ROOM,
  msAxis,
  type Panel,
  panelsByLoad,
  type Subject,
  tip,
  variantRows,
} from "./chart.ts";
import { colourOf, INK, PAPER, shapeOf, SOFT } from "./colours.ts";

/** Of the panel's width and height, what a label takes; one that would come closer to another is left to the tooltip. */
const LABEL_ROOM = { x: 0.2, y: 0.07 };

/** Throughput against latency: a point for each cell, joined along the loads of a variant. */
export function throughputLatencyChart(subject: Subject): Chart {
  return {
    name: "throughput_latency",
    title: "Throughput against latency",
    about:
      "Right and low is good. A line joins a variant's closed loops, another its open ones, in their order; thin " +
      `lines are 95 % confidence intervals; ${CUT_OFF}. The dotted line goes through the cells that no other beats ` +
      "in both. Cells whose percentile falls on a failed request are left out.",
    legend: { palette: "variants", mark: "point", labels: subject.variants },
    panels: [
      ...throughputLatencyPanel(subject, "p95 E2E latency", ({ e2eMs }) => e2eMs.p95),
      ...throughputLatencyPanel(subject, "p95 TTFT", ({ ttftMs }) => ttftMs.p95),
    ],
  };
}

function throughputLatencyPanel(
  { plan, summary, variants, loads }: Subject,
  name: string,
  of: (cell: CellSummary) => Estimate,
): Panel[] {
  const kindOf = (name: string) => plan.loads.find((load) => load.name === name)?.kind ?? "closed";
  const points = summary.cells.map((cell) => {
    const { variant, load, outputTokenRate: rate } = cell;
    const latency = of(cell);
    return {
      ...{ variant, load, rate, latency, x: rate.value, y: latency.value },
      line: `${kindOf(load)} ${variant}`,
      shape: shapeOf(variants.indexOf(variant)),
      colour: colourOf("variants", variants.indexOf(variant)),
      title: tip({ variant, load, "output tokens/s": rate.value, [`${name}, ms`]: latency.value }),
    };
  }).filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    .sort((a, b) => loads.indexOf(a.load) - loads.indexOf(b.load));
  if (points.length < 2) return [];
  const [xs, ys] = [shown(points.map(({ rate }) => rate)), shown(points.map(({ latency }) => latency))];
  const yAxis = msAxis(name, ys);
  const place = { x: "x", y: "y", stroke: "colour" } as const;
  const labels = labelled(points, yAxis.type === "log");
  const interval = { stroke: "colour", strokeOpacity: 0.55, clip: true } as const;
  return [{
    title: name,
    options: {
      height: 320,
      x: axis("output tokens/s", { domain: [Math.min(...xs), Math.max(...xs)], inset: 8 }),
      y: { ...yAxis, domain: [Math.min(...ys), Math.max(...ys)], inset: 8 },
      marks: [
        Plot.line(frontier(points), { x: "x", y: "y", stroke: SOFT, strokeDasharray: "2,4" }),
        Plot.line(points, { ...place, z: "line", strokeOpacity: 0.8 }),
        Plot.ruleY(points, {
          ...interval,
          y: "y",
          x1: ({ rate }) => ends(rate)[0],
          x2: ({ rate }) => ends(rate)[1],
        }),
        Plot.ruleX(points, {
          ...{ ...interval, x: "x" },
          y1: ({ latency }) => ends(latency)[0],
          y2: ({ latency }) => ends(latency)[1],
        }),
        Plot.dot(points, { x: "x", y: "y", fill: "colour", symbol: "shape", r: 4.5, title: "title" }),
        ...(["start", "end"] as const).map((textAnchor) =>
          Plot.text(labels.filter(({ anchor }) => anchor === textAnchor), {
            ...{ x: "x", y: "y", text: "load", fill: SOFT, textAnchor },
            ...{ dx: textAnchor === "start" ? 8 : -8, dy: -8 },
          })
        ),
      ],
    },
  }];
}

/** Of an interval, or of the value alone where nothing bounds it. */
function ends({ value, low, high }: Estimate): readonly [number, number] {
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : [value, value];
}

/** The values, and the ends of their intervals as far as these are not far beyond all values. */
function shown(estimates: readonly Estimate[]): number[] {
  const values = estimates.map(({ value }) => value);
  const [least, most] = [Math.min(...values) / INTERVAL_ROOM, Math.max(...values) * INTERVAL_ROOM];
  return estimates.flatMap((estimate) => {
    const [low, high] = ends(estimate);
    return [estimate.value, Math.max(low, least), Math.min(high, most)];
  });
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The points whose names have room, each with the side on which it has. */
function labelled<Named extends Point>(
  points: readonly Named[],
  log: boolean,
): (Named & { anchor: "start" | "end" })[] {
  const place = (value: number, values: readonly number[]) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return high > low ? (value - low) / (high - low) : 0;
  };
  const height = ({ y }: Point) => log ? Math.log(y) : y;
  const heights = points.map(height);
  const widths = points.map(({ x }) => x);
  const taken: Point[] = [];
  return points.flatMap((point) => {
    const at = { x: place(point.x, widths), y: place(height(point), heights) };
    const near = ({ x, y }: Point) => Math.abs(x - at.x) < LABEL_ROOM.x && Math.abs(y - at.y) < LABEL_ROOM.y;
    if (taken.some(near)) return [];
    taken.push(at);
    return [{ ...point, anchor: at.x > 0.8 ? "end" as const : "start" as const }];
  });
}

/** Those that no other beats in throughput and latency both. */
function frontier<Any extends Point>(points: readonly Any[]): Any[] {
  let least = Infinity;
  return points.toSorted((a, b) => b.x - a.x || a.y - b.y).filter(({ y }) => {
    if (y >= least) return false;
    least = y;
    return true;
  });
}

const PARTS = ["p50", "p95", "p99"] as const;

/** Percentiles with their confidence intervals. A panel for each load, each with an axis of its own. */
export function percentileChart(subject: Subject, what: "e2eMs" | "ttftMs"): Chart {
  const name = what === "e2eMs" ? "E2E latency" : "TTFT";
  const bars = subject.summary.cells.flatMap(({ variant, load, [what]: latency }) =>
    PARTS.map((place) => ({ variant, load, place, estimate: latency[place] }))
  ).filter(({ estimate }) => !Number.isNaN(estimate.value));
  return {
    name: what === "e2eMs" ? "e2e_percentiles" : "ttft_percentiles",
    title: `Percentiles of ${name}`,
    about:
      `Lines are 95 % confidence intervals; ${CUT_OFF}, and one without an upper end has nothing that bounds it: ` +
      `too few samples, or failed requests. "failed" stands where the percentile itself does. Each panel has its ` +
      "own scale.",
    legend: { palette: "variants", mark: "area", labels: subject.variants },
    panels: panelsByLoad(subject, bars, (own) => barOptions(subject, own, PARTS, `${name}, ms`)),
  };
}

/** Requests a second that kept the SLO; empty where none is stated. */
export function goodputChart(subject: Subject): Chart {
  const { summary: { cells }, variants, loads, plan: { slo } } = subject;
  const bars = cells.flatMap(({ variant, load, goodput }) =>
    goodput === null ? [] : [{ variant, place: load, estimate: goodput }]
  );
  return {
    name: "goodput",
    title: "Goodput",
    about: `Requests a second that kept all of ${sloText(slo) ?? "the SLO"}; lines are 95 % confidence ` +
      `intervals; ${CUT_OFF}.`,
    legend: { palette: "variants", mark: "area", labels: variants },
    panels: bars.length === 0
      ? []
      : [{ title: "", options: barOptions(subject, bars, loads, "good requests/s") }],
  };
}

interface Bar {
  readonly variant: string;
  /** Where along the x axis. */
  readonly place: string;
  readonly estimate: Estimate;
}

/** At each place a bar for every variant. */
function barOptions(
  { variants }: Subject,
  bars: readonly Bar[],
  places: readonly string[],
  label: string,
): Plot.PlotOptions {
  const rows = bars.map(({ variant, place, estimate: { value, low, high, samples } }) => ({
    ...{ variant, place, value, low, high },
    colour: colourOf("variants", variants.indexOf(variant)),
    title: tip({ variant, at: place, [label]: value, "95 % from": low, "95 % to": high, samples }),
  }));
  const at = { fx: "place", x: "variant" } as const;
  const bounded = rows.filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high));
  return {
    height: 250,
    marginBottom: 40,
    fx: {
      domain: [...places],
      label: null,
      padding: 0.15,
      tickFormat: (name: string) => name.replaceAll(" ", "\n"),
    },
    x: { domain: [...variants], axis: null, padding: 0.05 },
    y: axis(label, { domain: [0, endOf(bars.map(({ estimate }) => estimate)) || 1] }),
    marks: [
      Plot.axisFx({
        anchor: "bottom",
        label: null,
        tickFormat: (name: string) => name.replaceAll(" ", "\n"),
      }),
      Plot.barY(rows.filter(({ value }) => Number.isFinite(value)), {
        ...{ ...at, y: "value", fill: "colour", title: "title" },
      }),
      Plot.ruleX(bounded, { ...at, y1: "low", y2: "high", stroke: INK, strokeWidth: 1.2, clip: true }),
      Plot.text(rows.filter(({ value }) => value === Infinity), {
        ...{ ...at, y: 0, text: () => "failed", rotate: -90, textAnchor: "start", dy: -4, fill: INK },
      }),
      Plot.ruleY([0], { stroke: SOFT }),
    ],
  };
}

/** Where a request's time went, on average. A panel for each load. */
export function phaseChart(subject: Subject): Chart {
  const { summary: { cells }, variants } = subject;
  const rows = cells.flatMap(({ variant, load, phases }) =>
    phases === null ? [] : PHASES.map(([key, phase], index) => ({
      ...{ variant, load, ms: Math.max(0, phases[key]), colour: colourOf("stages", index) },
      title: tip({ variant, phase, "mean, ms": phases[key] }),
    }))
  );
  return {
    name: "phases",
    title: "Phases of a request",
    about:
      "Mean time of the successful requests in each part of their way, from the engine's and the worker's own " +
      "ledger. Each panel has its own scale.",
    legend: { palette: "stages", mark: "area", labels: PHASES.map(([, name]) => name) },
    panels: panelsByLoad(subject, rows, (own) => ({
      ...variantRows(variants.filter((variant) => own.some((row) => row.variant === variant))),
      x: axis("mean time of a successful request, ms"),
      marks: [
        Plot.barX(own, {
          ...{ x: "ms", y: "variant", fill: "colour", title: "title", stroke: PAPER, strokeWidth: 0.6 },
        }),
      ],
    })),
  };
}
