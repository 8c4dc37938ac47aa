import type { RunSummary } from "../metrics/cell_summary.ts";
import type { RunPlan } from "../plan.ts";
import type { RunEnvironment } from "../record/environment.ts";
import type { Sample } from "../record/sample.ts";

/** All that a report is made of: the recording and the figures that were computed from it. */
export interface ReportInput {
  readonly environment: RunEnvironment;
  /** The environment's own, or the same with another SLO. */
  readonly plan: RunPlan;
  readonly samples: readonly Sample[];
  readonly summary: RunSummary;
}

/**
 * The same run with its cells in the plan's order, variants first and then loads. A summary has them as they were first
 * measured, and that order was drawn.
 */
export function inPlanOrder(input: ReportInput): ReportInput {
  const { plan, summary } = input;
  const place = <T extends { readonly name: string }>(named: readonly T[], name: string) => {
    const index = named.findIndex((one) => one.name === name);
    return index === -1 ? named.length : index;
  };
  const cells = summary.cells.toSorted((a, b) =>
    place(plan.variants, a.variant) - place(plan.variants, b.variant) ||
    place(plan.loads, a.load) - place(plan.loads, b.load)
  );
  return { ...input, summary: { ...summary, cells } };
}
