/** Tables of plain text. */
import Table from "cli-table3";

export interface Column {
  readonly head: string;
  /** Figures stand at the right. @default "left" */
  readonly align?: "left" | "right";
}

const NO_BORDER = Object.fromEntries(
  ["top", "bottom", "left", "right", "mid"].flatMap((side) =>
    [side, `${side}-mid`, `${side}-left`, `${side}-right`].map((part) => [part, ""])
  ),
);

/** A heading and a line for each row, two spaces between columns, no borders and no colours. */
export function plainTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align = "left" }) => align),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    chars: { ...NO_BORDER, middle: "  " },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

/** The same with borders, for figures that are compared along their columns; a head may have several lines. */
export function borderedTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align = "left" }) => align),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}
