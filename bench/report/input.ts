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
  /** Its cells in the order of `summarizeRun`. */
  readonly summary: RunSummary;
}
