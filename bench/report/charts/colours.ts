import type { Legend } from "./chart.ts";

/** A theme is one signal of every chart: a page changes it without compiling anything again. */
export interface Theme {
  /** Text and lines that carry meaning. */
  readonly ink: string;
  /** Axis text. */
  readonly soft: string;
  readonly grid: string;
  /** Between touching areas. */
  readonly paper: string;
  /** Eight hues after Okabe & Ito's colour-blind-safe set (jfly.uni-koeln.de/color), with a contrast of 3:1 or more. */
  readonly variants: readonly string[];
  /** Phases of a request, or reasons for a dispatch, in their order. */
  readonly stages: readonly string[];
}

export const LIGHT: Theme = {
  ink: "#1c2128",
  soft: "#4d5560",
  grid: "#e3e6ea",
  paper: "#ffffff",
  variants: ["#0072b2", "#d55e00", "#00875f", "#b8528a", "#8a6a00", "#6a4bb0", "#2b8fc4", "#666d76"],
  stages: ["#666d76", "#a3abb5", "#d55e00", "#e6a91a", "#b8528a", "#00875f", "#0072b2", "#6a4bb0"],
};

export const DARK: Theme = {
  ink: "#e8eaed",
  soft: "#aab2bd",
  grid: "#2c323a",
  paper: "#15181d",
  variants: ["#4fa3e3", "#ff8a4c", "#2fc79a", "#e48fbe", "#e3c14a", "#b79cf0", "#a5dbff", "#b4bac2"],
  stages: ["#8d959f", "#5d6670", "#ff8a4c", "#f0c24a", "#e48fbe", "#2fc79a", "#4fa3e3", "#b79cf0"],
};

const HUES = LIGHT.variants.length;
const DASHES: readonly number[][] = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3]];
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"] as const;

export type Shape = (typeof SHAPES)[number];

/** The shape of a variant's points: a second sign beside its colour. */
export function shapeOf(index: number): Shape {
  return SHAPES[index % SHAPES.length] ?? "circle";
}

/** The dash of a variant: a second sign beside its colour, and another one when the hues begin again. */
export function dashOf(index: number): readonly number[] {
  return DASHES[(index + Math.floor(index / HUES)) % DASHES.length] ?? [1, 0];
}

/** A colour of the palette as an expression over the theme's signal. */
export function colourExpression(palette: Legend["palette"], index: number): string {
  return `theme.${palette}[${index % HUES}]`;
}

function nominal(field: string, labels: readonly string[]) {
  return { field, type: "nominal", title: null, sort: null, scale: { domain: [...labels] } } as const;
}

/** Encodings of a variant, the same in every chart. */
export function variantColour(variants: readonly string[]) {
  const range = variants.map((_, index) => ({ expr: colourExpression("variants", index) }));
  return { ...nominal("variant", variants), scale: { domain: [...variants], range } } as const;
}

export function variantDash(variants: readonly string[]) {
  const range = variants.map((_, index) => [...dashOf(index)]);
  return { ...nominal("variant", variants), scale: { domain: [...variants], range } } as const;
}

export function variantShape(variants: readonly string[]) {
  const range = variants.map((_, index) => shapeOf(index));
  return { ...nominal("variant", variants), scale: { domain: [...variants], range } } as const;
}

/** Colours of phases or reasons by `field`, as the legend has them. */
export function stageColour(field: string, { labels, colours }: Legend) {
  const range = labels.map((_, index) => ({ expr: colourExpression("stages", colours?.[index] ?? index) }));
  return { ...nominal(field, labels), scale: { domain: [...labels], range } } as const;
}
