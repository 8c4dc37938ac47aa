import type { Load, Slo } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { CellSummary, RunSummary } from "./cell_summary.ts";

/** Every cell of a run in the order in which they were first measured. A load that the plan does not name is left out. */
export function summarizeRun(
  _samples: readonly Sample[],
  _plan: { readonly loads: readonly Load[]; readonly slo: Slo },
): RunSummary {
  throw new Error("to come");
}

/** The figures of one cell from its samples alone; the same samples give the same figures, in whatever order they are. */
export function summarizeCell(_samples: readonly Sample[], _load: Load, _slo: Slo): CellSummary {
  throw new Error("to come");
}

/** Content of summary.json: NaN and the infinities are strings. */
export function toJson(_summary: RunSummary): string {
  throw new Error("to come");
}

/** @throws {SyntaxError} for what is no JSON. */
export function fromJson(_text: string): RunSummary {
  throw new Error("to come");
}
