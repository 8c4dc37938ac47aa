/** The colours of charts. Marks name them as CSS variables, so that a page's theme is its style sheet's affair. */

export interface Theme {
  /** Text and lines that carry meaning. */
  readonly ink: string;
  /** Axis text. */
  readonly soft: string;
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
  paper: "#ffffff",
  variants: ["#0072b2", "#d55e00", "#00875f", "#b8528a", "#8a6a00", "#6a4bb0", "#2b8fc4", "#666d76"],
  stages: ["#666d76", "#a3abb5", "#d55e00", "#e6a91a", "#b8528a", "#00875f", "#0072b2", "#6a4bb0"],
};

export const DARK: Theme = {
  ink: "#e8eaed",
  soft: "#aab2bd",
  paper: "#15181d",
  variants: ["#4fa3e3", "#ff8a4c", "#2fc79a", "#e48fbe", "#e3c14a", "#b79cf0", "#a5dbff", "#b4bac2"],
  stages: ["#8d959f", "#5d6670", "#ff8a4c", "#f0c24a", "#e48fbe", "#2fc79a", "#4fa3e3", "#b79cf0"],
};

export const INK = "var(--ink)";
export const SOFT = "var(--soft)";
export const PAPER = "var(--paper)";

export type Palette = "variants" | "stages";

const HUES = LIGHT.variants.length;
const DASHES: readonly string[] = ["1,0", "7,3", "2,2", "9,3,2,3"];
const SHAPES = ["circle", "square", "triangle", "diamond", "cross"] as const;

export type Shape = (typeof SHAPES)[number];

export function colourOf(palette: Palette, index: number): string {
  return `var(--${palette}-${index % HUES})`;
}

/** The shape of a variant's points: a second sign beside its colour. */
export function shapeOf(index: number): Shape {
  return SHAPES[index % SHAPES.length] ?? "circle";
}

/** The dash of a variant: a second sign beside its colour, and another one when the hues begin again. */
export function dashOf(index: number): string {
  return DASHES[(index + Math.floor(index / HUES)) % DASHES.length] ?? "1,0";
}

/** Each variable's value: `--ink`, `--variants-0`. */
export function variablesOf({ variants, stages, ...others }: Theme): ReadonlyMap<string, string> {
  return new Map([
    ...Object.entries(others).map(([name, colour]) => [`--${name}`, colour] as const),
    ...variants.map((colour, index) => [`--variants-${index}`, colour] as const),
    ...stages.map((colour, index) => [`--stages-${index}`, colour] as const),
  ]);
}
