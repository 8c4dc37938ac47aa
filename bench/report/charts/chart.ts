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
  readonly labels: readonly string[];
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

/** Four significant digits are more than a picture shows, and half of what JSON would write. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** From what ratio of the largest to the smallest value on an axis is logarithmic. */
const LOG_RATIO = 20;

/** A scale that shows both ends: logarithmic where they are far apart. */
export function positiveScale(
  values: Iterable<number>,
): { type: "log" | "linear"; zero?: false; nice: true } {
  const positive = [...values].filter((value) => value > 0 && Number.isFinite(value));
  let [low, high] = [Infinity, 0];
  for (const value of positive) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return high / low > LOG_RATIO ? { type: "log", nice: true } : { type: "linear", nice: true };
}

/** The axis title of milliseconds: a reader must not overlook that a scale is logarithmic. */
export function msTitle(what: string, { type }: { type: "log" | "linear" }): string {
  return type === "log" ? `${what}, ms (log scale)` : `${what}, ms`;
}
