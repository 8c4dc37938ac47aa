import Table from "cli-table3";
import type { Comparison } from "./comparison.ts";
import { aboutCell, COLUMNS, judgementText, notesOf, rowsOf, titleOf } from "./wording.ts";

/** For a terminal: a table for each load. */
export function comparisonText(comparison: Comparison): string {
  return [
    titleOf(comparison),
    ...comparison.cells.flatMap((cell) => ["", cell.load, ...aboutCell(cell), tableOf(rowsOf(cell))]),
    "",
    ...notesOf(comparison),
    ...comparison.limits.map(judgementText),
  ].join("\n");
}

function tableOf(rows: string[][]): string {
  const table = new Table({
    head: [...COLUMNS],
    colAligns: COLUMNS.map((_, column) => [0, COLUMNS.length - 1].includes(column) ? "left" : "right"),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  return table.toString();
}
