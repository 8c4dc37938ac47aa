import { join } from "node:path";
import type { Comparison } from "./comparison.ts";
import { comparisonMarkdown } from "./markdown.ts";

/** Leaves compare.json and compare.md in a results folder; those of an earlier comparison are overwritten. */
export async function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  await Deno.writeTextFile(join(folder, "compare.json"), comparisonJson(comparison));
  await Deno.writeTextFile(join(folder, "compare.md"), comparisonMarkdown(comparison));
}

/** NaN and the infinities as strings, as in summary.json. */
export function comparisonJson(comparison: Comparison): string {
  const told = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  return JSON.stringify(comparison, told, 2) + "\n";
}
