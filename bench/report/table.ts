/** One table of figures, printed for a terminal, as Markdown and as HTML. */
import { borderedTable, plainTable } from "../../src/cli/table.ts";
import { oneLine } from "../words.ts";
import { type Markup, markup } from "./page/markup.ts";

/** Figures stand at the right; names stand at the left, on one line where there is room; prose may be broken. */
export type ColumnKind = "figure" | "name" | "prose";

export interface TableColumn {
  readonly head: string;
  /** @default "figure" */
  readonly kind?: ColumnKind;
}

/** A column of a table that has a row for each item. */
export interface Column<Item> extends TableColumn {
  text(item: Item): string;
}

/** The content of a table, without a look. */
export interface Table {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
}

export function tableOf<Item>(columns: readonly Column<Item>[], items: readonly Item[]): Table {
  return { columns, rows: items.map((item) => columns.map((column) => column.text(item))) };
}

/** For a terminal. A plain table has no borders; its heads and names may have several lines. */
export function tableText({ columns, rows }: Table, look: "bordered" | "plain" = "bordered"): string {
  const print = look === "plain" ? plainTable : borderedTable;
  return print(columns.map(({ head, kind }) => ({ head, align: isFigure(kind) ? "right" : "left" })), rows);
}

export function tableMarkdown({ columns, rows }: Table): string {
  return [
    columns.map(({ head }) => escapedMarkdown(head)),
    columns.map(({ kind }) => isFigure(kind) ? "---:" : "---"),
    ...rows.map((row) => row.map(escapedMarkdown)),
  ].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** @param name by which scripts and tests find it in the page. */
export function tableHtml({ columns, rows }: Table, name: string): Markup {
  return markup`<table data-table="${name}">
<thead><tr>${
    columns.map(({ head, kind = "figure" }) => markup`<th scope="col" class="${kind}">${head}</th>`)
  }</tr></thead>
<tbody>
${
    rows.map((row) =>
      markup`<tr>${row.map((text, column) => cellHtml(text, columns[column]?.kind ?? "figure"))}</tr>\n`
    )
  }</tbody>
</table>`;
}

/** From so many characters on a name may take several lines. */
const LONG_NAME = 24;

/** Sets the interval of a figure back behind its value. */
function cellHtml(text: string, kind: ColumnKind): Markup {
  if (kind === "name" && text.length > LONG_NAME) return markup`<td class="name long">${text}</td>`;
  const interval = kind === "figure" ? text.indexOf(" (") : -1;
  if (interval === -1) return markup`<td class="${kind}">${text}</td>`;
  return markup`<td class="${kind}">${text.slice(0, interval)}<span class="interval">${
    text.slice(interval)
  }</span></td>`;
}

/** Text as itself: no markup, no HTML, no end of a table's cell. Underscores inside words mean nothing in Markdown. */
export function escapedMarkdown(text: string): string {
  return oneLine(text).replaceAll("&", "&amp;").replace(/[\\`*|<>[\]]|(?<!\w)_|_(?!\w)/g, "\\$&");
}

export function listMarkdown(lines: readonly string[]): string {
  return lines.map((line) => `- ${escapedMarkdown(line)}`).join("\n");
}

function isFigure(kind: ColumnKind = "figure"): boolean {
  return kind === "figure";
}
