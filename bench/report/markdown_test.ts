import assert from "node:assert/strict";
import { modesInput } from "../../tests/support/bench/report_fixture.ts";
import { markdownReport } from "./markdown.ts";
import { tablesOf } from "./tables.ts";

Deno.test("report.md has the tables, a row for each cell", () => {
  const input = modesInput();
  const text = markdownReport(input);
  for (const { title, rows } of tablesOf(input)) {
    const block = text.split("\n## ").find((part) => part.startsWith(title)) ?? "";
    const lines = block.split("\n").filter((line) => line.startsWith("| "));
    assert.equal(lines.length, rows.length + 2, title);
  }
  assert.match(text, /\*\*Simulated: no model ran/);
  assert.match(text, /\*\*NOT VALID\*\*: 1 of 12 cells/);
});

Deno.test("charts are linked and another tool's table stands as it is, when given", () => {
  const text = markdownReport(modesInput(), { charts: ["e2e_cdf"], dialects: "a | b\n```\nc" });
  assert.match(text, /^!\[e2e cdf\]\(charts\/e2e_cdf\.svg\)$/m);
  assert.ok(text.includes("\n````\na | b\n```\nc\n````\n"));
  assert.doesNotMatch(markdownReport(modesInput()), /!\[/);
});

Deno.test("names and messages can't break a table or bring markup", () => {
  const input = modesInput();
  const samples = input.samples.map((sample) => ({ ...sample, errorMessage: "a|b\n<img src=x> *c* [d](e)" }));
  const text = markdownReport({ ...input, samples });
  assert.ok(text.includes("a\\|b \\<img src=x\\> \\*c\\* \\[d\\](e)"));
});
