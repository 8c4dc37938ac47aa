/** What a comparison says of each pair of cells. */
import type { Estimate, Finding } from "../metrics/cell_summary.ts";
import type { FigureName } from "../metrics/figure_names.ts";
import type { Load } from "../plan.ts";

/** `same`: no difference shown. `unknown`: a figure, or its interval, is not there. */
export type Change = "better" | "worse" | "same" | "unknown";

export interface ComparedFigure {
  readonly figure: FigureName;
  readonly base: Estimate;
  readonly next: Estimate;
  /** NEW / BASE with its 95 % interval; 1 without an interval where both are 0. */
  readonly ratio: { readonly value: number; readonly low: number; readonly high: number };
  readonly change: Change;
}

export interface ComparedSide {
  readonly variant: string;
  readonly requests: number;
  readonly failed: number;
  readonly valid: boolean;
  readonly findings: readonly Finding[];
}

export interface ComparedCell {
  readonly load: string;
  readonly loop: Load["kind"];
  readonly base: ComparedSide;
  readonly next: ComparedSide;
  /** The sides took turns, so what the machine did to both alike falls out of the ratios. */
  readonly paired: boolean;
  readonly figures: readonly ComparedFigure[];
}
