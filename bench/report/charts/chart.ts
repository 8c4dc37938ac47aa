import type { PlotOptions, ScaleOptions } from "@observablehq/plot";
import type { ReportInput } from "../input.ts";
import type { Palette } from "./colours.ts";

/** A picture of its own: one view. */
export interface Panel {
  readonly title: string;
  readonly options: PlotOptions;
}

/** What a colour means: an entry for each, in the order of the palette. */
export interface Legend {
  readonly palette: Palette;
  /** What carries the colour in the chart; lines have dashes too, and points shapes. */
  readonly mark: "area" | "line" | "point";
  readonly labels: readonly string[];
  /** The colour of each; the palette's own order where absent. */
  readonly colours?: readonly number[];
}

export interface Chart {
  /** Of its file, and of its place in the page. */
  readonly name: string;
  readonly title: string;
  /** How to read it, and what was sampled. */
  readonly about: string;
  readonly legend: Legend;
  readonly panels: readonly Panel[];
}

/** A run as charts see it: names in the plan's order, so that a variant has one colour in all of them. */
export interface Subject extends ReportInput {
  readonly variants: readonly string[];
  readonly loads: readonly string[];
}

export function subjectOf(input: ReportInput): Subject {
  const { plan, summary: { cells } } = input;
  return {
    ...input,
    variants: inOrder(plan.variants.map(({ name }) => name), cells.map(({ variant }) => variant)),
    loads: inOrder(plan.loads.map(({ name }) => name), cells.map(({ load }) => load)),
  };
}

/** Those names that occur, the planned ones first. */
function inOrder(planned: readonly string[], occurring: readonly string[]): string[] {
  const there = new Set(occurring);
  return [...new Set([...planned.filter((name) => there.has(name)), ...occurring])];
}

/** A panel for each load that has rows. */
export function panelsByLoad<Row extends { readonly load: string }>(
  { loads }: Subject,
  rows: readonly Row[],
  optionsOf: (own: readonly Row[]) => PlotOptions,
): Panel[] {
  return loads.flatMap((load) => {
    const own = rows.filter((row) => row.load === load);
    return own.length === 0 ? [] : [{ title: load, options: optionsOf(own) }];
  });
}

/** What stands at a mark under the pointer: a line for each label with a text or a figure; one that isn't there has none. */
export function tip(lines: Readonly<Record<string, string | number>>): string {
  return Object.entries(lines)
    .filter(([, value]) => typeof value === "string" || Number.isFinite(value))
    .map(([label, value]) => `${label}: ${typeof value === "number" ? rounded(value) : value}`)
    .join("\n");
}

/** Four significant digits are more than a picture shows. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** How far beyond all values a picture shows an interval, as a ratio. */
export const INTERVAL_ROOM = 1.5;

/**
 * The end of an axis that shows all values and, where they are not much longer, their intervals: one of a few samples
 * may be so long that nothing else could be seen.
 */
export function endOf(estimates: readonly { readonly value: number; readonly high: number }[]): number {
  const largest = (values: readonly number[]) =>
    values.reduce((most, value) => Number.isFinite(value) ? Math.max(most, value) : most, 0);
  const ofValues = largest(estimates.map(({ value }) => value));
  return rounded(
    Math.min(INTERVAL_ROOM * ofValues, Math.max(ofValues, largest(estimates.map(({ high }) => high)))),
  );
}

/** What a chart says when it cuts intervals off. */
export const CUT_OFF = "one that goes far beyond all values is cut off at the edge";

/** An axis with its name in the middle, and lines across the picture. */
export function axis(label: string, options: ScaleOptions = {}): ScaleOptions {
  return { label, labelAnchor: "center", labelArrow: "none", grid: true, ticks: 5, nice: true, ...options };
}

/** From what ratio of the largest to the smallest value on an axis is logarithmic. */
const LOG_RATIO = 20;

/** Shows both ends of the values; logarithmic where they are far apart, which a reader must not overlook. */
export function msAxis(what: string, values: readonly number[]): ScaleOptions {
  const shown = values.filter((value) => value > 0 && Number.isFinite(value));
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  if (!(high / low > LOG_RATIO)) return axis(`${what}, ms`, { type: "linear", nice: true });
  return axis(`${what}, ms (log scale)`, {
    type: "log",
    domain: [low, high],
    clamp: true, // a time of 0 has no place on it
    ticks: logTicks(low, high),
    tickFormat: ",~r",
    nice: false,
    inset: 6,
  });
}

/** Round numbers between the ends: 1, 2 and 5 times the powers of ten, fewer over more decades. */
function logTicks(low: number, high: number): number[] {
  const steps = high / low > 1000 ? [1] : high / low > 100 ? [1, 3] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    ticks.push(...steps.map((step) => step * 10 ** power).filter((tick) => tick >= low && tick <= high));
  }
  return ticks;
}

const LINE = 12;

/** A variant a row; its name is broken at spaces, for those of sweeps are long. */
export function variantRows(variants: readonly string[]): PlotOptions {
  const lines = variants.map((name) => name.split(" "));
  const longest = Math.max(0, ...lines.flat().map((word) => word.length));
  const rowHeight = Math.max(30, Math.max(1, ...lines.map(({ length }) => length)) * LINE + 8);
  return {
    height: variants.length * rowHeight + 56,
    marginLeft: Math.min(170, 16 + 7 * longest),
    y: {
      type: "band",
      domain: [...variants],
      label: null,
      tickSize: 0,
      padding: 0.3,
      tickFormat: (name: string) => name.replaceAll(" ", "\n"),
    },
  };
}
