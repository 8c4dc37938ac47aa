/** The charts of single requests: how their latencies are distributed, and over time. */
import * as Plot from "@observablehq/plot";
// @ts-types="@types/d3-array"
import { median } from "d3-array";
import { requestFigures, turnsOf } from "../../metrics/requests.ts";
import { axis, type Chart, msAxis, panelsByLoad, type Subject, tip } from "./chart.ts";
import { colourOf, dashOf } from "./colours.ts";
import { CHART_ROWS, evenly, measuredByCell, type MeasuredCell, quantiles } from "./measured.ts";

/** Places on a curve that tell their figures under the pointer. */
const TOLD_SHARES = 20;

/** The share of requests that had ended, or begun to answer, within a time. A panel for each load. */
export function cdfChart(subject: Subject, what: "e2eMs" | "ttftMs"): Chart {
  const { variants } = subject;
  const name = what === "e2eMs" ? "E2E latency" : "TTFT";
  const cells = measuredByCell(subject);
  const points = Math.max(20, Math.min(150, Math.floor(CHART_ROWS / Math.max(1, cells.length))));
  const curves = cells.flatMap(({ v, variant, load, samples }) => {
    const sorted = samples.flatMap((sample) => requestFigures(sample)[what] ?? []).sort((a, b) => a - b);
    const curve = quantiles(sorted, points);
    return curve.length === 0 ? [] : [{ v, variant, load, curve }];
  });
  return {
    name: what === "e2eMs" ? "e2e_cdf" : "ttft_cdf",
    title: `Distribution of ${name}`,
    about:
      `The share of requests whose ${name} was at most so long. Failed requests never arrive, so a curve with ` +
      `failures ends below 100 %. Curves have at most ${points} points, at even shares of the requests. Each panel ` +
      "has its own scale.",
    legend: { palette: "variants", mark: "line", labels: variants },
    panels: panelsByLoad(subject, curves, (own) => ({
      height: 240,
      x: msAxis(name, own.flatMap(({ curve }) => curve.map(([ms]) => ms))),
      y: axis("share of requests", { domain: [0, 1], tickFormat: "%" }),
      marks: own.flatMap(({ v, variant, curve }) => [
        Plot.line(curve, { stroke: colourOf("variants", v), strokeWidth: 1.8, strokeDasharray: dashOf(v) }),
        Plot.dot(evenly(curve, TOLD_SHARES), {
          ...{ r: 5, fill: "transparent", stroke: "none" },
          title: ([ms, share]) =>
            tip({
              variant,
              "share of requests": `${(100 * share).toFixed(1)} %`,
              [`${name} at most, ms`]: ms,
            }),
        }),
      ]),
    })),
  };
}

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
  const cells = measuredByCell(subject).map((cell) => ({ ...cell, series: seriesOf(cell, what) }))
    .filter(({ series }) => series.length > 0);
  const total = cells.reduce((sum, { series }) => sum + series.length, 0);
  const share = Math.min(1, CHART_ROWS / Math.max(1, total));
  const name = what === "ttftMs" ? "TTFT" : "TPOT";
  const sampled = share < 1
    ? ` Drawn are ${Math.ceil(total * share)} of ${total} requests, evenly over time.`
    : "";
  return {
    name: what === "ttftMs" ? "ttft_over_time" : "tpot_over_time",
    title: `${name} over time`,
    about:
      `A point for each successful request, at the time since its turn began; turns of all rounds lie over each ` +
      `other. Lines are medians of ${BINS} stretches of time.${sampled}`,
    legend: { palette: "variants", mark: "area", labels: subject.variants },
    panels: panelsByLoad(subject, cells, (own) => {
      const endS = Math.max(...own.map(({ series }) => series.at(-1)!.atS));
      return {
        height: 240,
        x: axis("time since the turn began, s", { nice: false, inset: 6 }),
        y: msAxis(name, own.flatMap(({ series }) => series.map(({ ms }) => ms))),
        marks: own.flatMap(({ v, variant, series }) => [
          Plot.dot(evenly(series, Math.ceil(series.length * share)), {
            ...{ x: "atS", y: "ms", r: 2, fill: colourOf("variants", v), fillOpacity: 0.45 },
            title: ({ atS, ms }) => tip({ variant, "since the turn began, s": atS, [`${name}, ms`]: ms }),
          }),
          Plot.line(medians(series, endS / BINS), {
            ...{ x: "atS", y: "ms", stroke: colourOf("variants", v), strokeWidth: 2 },
          }),
        ]),
      };
    }),
  };
}

function seriesOf({ samples }: MeasuredCell, what: "ttftMs" | "tpotMs"): Timed[] {
  return turnsOf(samples).flatMap(({ requests, firstIntendedAt }) =>
    requests.flatMap((request): Timed[] => {
      const ms = requestFigures(request)[what];
      const atS = (request.intendedAt - firstIntendedAt) / 1000;
      return ms === undefined || !Number.isFinite(ms) ? [] : [{ atS, ms }];
    })
  ).sort((a, b) => a.atS - b.atS);
}

function medians(series: readonly Timed[], widthS: number): Timed[] {
  if (widthS <= 0) return [];
  const bins = Map.groupBy(series, ({ atS }) => Math.min(BINS - 1, Math.floor(atS / widthS)));
  return [...bins].flatMap(([bin, own]) => {
    const ms = median(own, ({ ms }) => ms);
    return ms === undefined || own.length < LEAST_IN_BIN ? [] : [{ atS: (bin + 0.5) * widthS, ms }];
  });
}
