import type { TopLevelSpec } from "vega-lite";
import type { ReportInput } from "../input.ts";

type LayeredSpec = Extract<TopLevelSpec, { layer: unknown }>;
export type Layers = LayeredSpec["layer"];
export type Encoding = NonNullable<LayeredSpec["encoding"]>;

/** One row of a chart's data. `v` is the number of a variant: names are long, and a chart holds thousands of rows. */
export type Row = Readonly<Record<string, number | string | null>>;

/** A picture of its own: one view, as wide as there is room. */
export interface Panel {
  readonly title: string;
  readonly values: readonly Row[];
  readonly layer: Layers;
  readonly encoding?: Encoding;
  readonly height: number;
}

/** What a colour means: an entry for each, in the order of the palette. */
export interface Legend {
  readonly palette: "variants" | "stages";
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

/** A panel for each load that has rows. */
export function panelsByLoad({ loads }: Subject, panelOf: (load: string) => Panel): Panel[] {
  return loads.map(panelOf).filter(({ values }) => values.length > 0);
}

/** Those names that occur, the planned ones first. */
function inOrder(planned: readonly string[], occurring: readonly string[]): string[] {
  const there = new Set(occurring);
  return [...new Set([...planned.filter((name) => there.has(name)), ...occurring])];
}

/** Four significant digits are more than a picture shows, and half of what JSON would write. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** The figures of a mark under the pointer: its variant, then fields with their titles; four digits unless told. */
export function tooltip(...fields: readonly (readonly [field: string, title: string, format?: string])[]) {
  return [
    { field: "variant", title: "variant" },
    ...fields.map(([field, title, format]) =>
      format === "" ? { field, title } : { field, title, format: format ?? ",.4~r" }
    ),
  ];
}

/** How much of an interval beyond the largest value a picture shows. */
const INTERVAL_ROOM = 1.5;

/**
 * The end of an axis that shows all values and, where they are not much longer, their intervals: one of a few samples
 * may be so long that nothing else could be seen. Empty: the axis may find its own end.
 */
export function endOf(
  estimates: readonly { readonly value: number; readonly high: number }[],
): { readonly domainMax?: number } {
  const largest = (values: readonly number[]) =>
    values.reduce((most, value) => Number.isFinite(value) ? Math.max(most, value) : most, 0);
  const end = INTERVAL_ROOM * largest(estimates.map(({ value }) => value));
  return largest(estimates.map(({ high }) => high)) > end && end > 0 ? { domainMax: rounded(end) } : {};
}

/** What a chart says when it cuts intervals off. */
export const CUT_OFF = "one that goes far beyond all values is cut off at the edge";

/** From what ratio of the largest to the smallest value on an axis is logarithmic. */
const LOG_RATIO = 20;

/** How an axis of milliseconds is drawn and named: a reader must not overlook that it is logarithmic. */
export interface MsAxis {
  readonly scale: { readonly type: "log" | "linear"; readonly nice: boolean; readonly zero?: boolean };
  readonly axis: { readonly tickCount: number; readonly values?: number[] };
  readonly title: string;
}

/** An axis that shows both ends of the values: logarithmic where they are far apart; `zero` begins a linear one at 0. */
export function msAxis(what: string, values: Iterable<number>, zero = true): MsAxis {
  let [low, high] = [Infinity, 0];
  for (const value of values) {
    if (value > 0 && Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (!(high / low > LOG_RATIO)) {
    return { scale: { type: "linear", nice: true, zero }, axis: { tickCount: 5 }, title: `${what}, ms` };
  }
  return {
    scale: { type: "log", nice: false },
    axis: { tickCount: 5, values: logTicks(low, high) },
    title: `${what}, ms (log scale)`,
  };
}

/** 1, 2 and 5 times the powers of ten between the ends; over more than three decades the powers alone. */
function logTicks(low: number, high: number): number[] {
  const steps = high / low > 1000 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    ticks.push(...steps.map((step) => step * 10 ** power).filter((tick) => tick >= low && tick <= high));
  }
  return ticks;
}

const LINE = 12;

/** A variant a row; its name is broken at spaces, for those of sweeps are long. */
export function variantRows(variants: readonly string[]) {
  const domain = [...variants];
  return {
    field: "variant",
    type: "nominal",
    title: null,
    sort: null,
    scale: { domain, paddingInner: 0.3, paddingOuter: 0.15 },
    axis: {
      labelExpr: "split(datum.label, ' ')",
      labelLineHeight: LINE,
      ticks: false,
      domain: false,
      labelLimit: 170,
    },
  } as const;
}

/** The height that such rows need, in pixels. */
export function rowsHeight(variants: readonly string[]): number {
  const lines = Math.max(1, ...variants.map((name) => name.split(" ").length));
  return variants.length * Math.max(30, lines * LINE + 8);
}
