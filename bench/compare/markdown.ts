import type { Comparison } from "./comparison.ts";
import { aboutCell, COLUMNS, judgementText, notesOf, rowsOf, titleOf } from "./wording.ts";

/** compare.md, for a pull request or the summary of a CI job. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { cells, limits } = comparison;
  return [
    "# Comparison",
    escaped(titleOf(comparison)),
    ...(limits.length === 0 ? [] : [listOf(limits.map(judgementText))]),
    ...cells.flatMap((cell) => [
      `## ${escaped(cell.load)}`,
      ...aboutCell(cell).map(escaped),
      tableOf(rowsOf(cell)),
    ]),
    listOf(notesOf(comparison)),
  ].join("\n\n") + "\n";
}

function tableOf(rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(" | ")} |`;
  const rule = COLUMNS.map((_, column) => [0, COLUMNS.length - 1].includes(column) ? "---" : "---:");
  return [line(COLUMNS), `|${rule.join("|")}|`, ...rows.map(line)].join("\n");
}

function listOf(lines: readonly string[]): string {
  return lines.map((line) => `- ${escaped(line)}`).join("\n");
}

/** Names and messages come from files; none of them may set the page. */
function escaped(text: string): string {
  return text.replace(/[\\`*_|<>[\]]/g, "\\$&").replaceAll("\n", " ");
}
