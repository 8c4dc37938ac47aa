import { join } from "node:path";
import { toJson } from "../metrics/summary.ts";
import type { Comparison } from "./comparison.ts";
import { comparisonMarkdown } from "./markdown.ts";

/** Leaves compare.json and compare.md in a results folder; those of an earlier comparison are overwritten. */
export async function writeComparison(folder: string, comparison: Comparison): Promise<void> {
  await Deno.writeTextFile(join(folder, "compare.json"), toJson(comparison));
  await Deno.writeTextFile(join(folder, "compare.md"), comparisonMarkdown(comparison));
}
