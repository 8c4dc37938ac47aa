import { fitted, type Line, type Span, span, widthOf } from "./line.ts";

export interface Column<Row> {
  readonly head: string;
  /** Figures stand at the right. @default "left" */
  readonly align?: "left" | "right";
  /** Where the width is small, the column with the lowest goes first. */
  readonly importance: number;
  cell(row: Row): Span;
}

const GAP = "  ";

/** A heading and a line for each row, in at most `width` columns. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): Line[] {
  let shown = columns.map((column) => {
    const cells = rows.map((row) => column.cell(row));
    return {
      ...column,
      cells,
      width: Math.max(...[column.head, ...cells.map(({ text }) => text)].map(widthOf)),
    };
  });
  const total = () => shown.reduce((sum, { width }) => sum + width, GAP.length * (shown.length - 1));
  while (shown.length > 1 && total() > width) {
    const least = Math.min(...shown.map(({ importance }) => importance));
    shown = shown.filter(({ importance }) => importance > least);
  }
  const lineOf = (cellOf: (column: (typeof shown)[number]) => Span) =>
    fitted(
      shown.flatMap((column, index) => [
        ...(index === 0 ? [] : [span(GAP)]),
        padded(cellOf(column), column.width, column.align === "right"),
      ]),
      width,
    );
  return [
    lineOf(({ head }) => span(head, "faint")),
    ...rows.map((_, index) => lineOf(({ cells }) => cells[index] ?? span(""))),
  ];
}

function padded({ text, ink }: Span, width: number, right: boolean): Span {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return span(right ? space + text : text + space, ink);
}
