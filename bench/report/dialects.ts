import {
  dialectFigureText,
  dialectRemarks,
  type DialectRow,
  DIALECTS,
  dialectView,
} from "../metrics/dialects/view.ts";
import { ours } from "../metrics/dialects/dialects.ts";
import type { ReportInput } from "./input.ts";
import { tableText } from "./table.ts";

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

/** A table with one column a tool; below it why values differ, each reason once under the number that cells carry. */
export function dialectTable(rows: readonly DialectRow[]): string {
  const reasons = [...new Set(rows.flatMap(({ tools }) => tools.flatMap(({ notes }) => notes)))];
  const table = tableText({
    columns: [{ head: "", kind: "name" }, ...[ours, ...DIALECTS].map(({ name }) => ({ head: name }))],
    rows: rows.map(({ concept, unit, ours, tools }) => [
      unit === "ms" ? `${concept} ms` : concept,
      ...[ours, ...tools].map(({ value, notes }) => {
        const numbers = notes.map((note) => reasons.indexOf(note) + 1).sort((a, b) => a - b);
        return numbers.length === 0
          ? dialectFigureText(value)
          : `${dialectFigureText(value)} [${numbers.join(" ")}]`;
      }),
    ]),
  });
  return [table, ...reasons.map((reason, index) => `[${index + 1}] ${reason}`)].join("\n");
}
