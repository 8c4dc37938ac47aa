import { dialectRemarks, dialectTable, dialectView } from "../metrics/dialects/view.ts";
import type { ReportInput } from "../report/input.ts";

/** Each cell of the run as other tools would score it, for people. */
export function dialectText(
  { summary, samples, plan: { slo } }: Pick<ReportInput, "summary" | "samples" | "plan">,
): string {
  return summary.cells.map(({ variant, load }) => {
    const ofCell = samples.filter((sample) => sample.variant === variant && sample.load === load);
    const table = dialectTable(dialectView(ofCell, slo));
    return [`${variant}, ${load}, as other tools would score it:`, table, ...dialectRemarks(ofCell, slo)]
      .join("\n");
  }).join("\n\n");
}
