import type { Legend } from "./chart.ts";
import { REASONS } from "./batches_of.ts";

/** The greys of the palette are for what lies outside of the engine. */
const FIRST_COLOUR = 2;

/** A reason has one colour, whichever of them a run has; those of an engine of another make come after ours. */
export function reasonLegend(reasons: readonly string[]): Legend {
  const all = [...REASONS, ...reasons.filter((reason) => !REASONS.includes(reason))];
  return {
    palette: "stages",
    mark: "area",
    labels: reasons,
    colours: reasons.map((reason) => all.indexOf(reason) + FIRST_COLOUR),
  };
}
