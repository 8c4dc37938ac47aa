import assert from "node:assert/strict";
import { modesInput } from "../../tests/support/bench/report_fixture.ts";
import { withInterval } from "../words.ts";
import type { ReportInput } from "./input.ts";
import { tablesOf } from "./tables.ts";

const input = modesInput({ slo: { ttftMs: 100 } });

Deno.test("tables have a row for each cell, in the plan's order, with its figures and intervals", () => {
  const tables = tablesOf(input);
  for (const name of ["throughput", "latency", "tokens", "phases", "batches", "checks"]) {
    const rows = tables.find((table) => table.name === name)?.rows ?? [];
    const cells = input.summary.cells.map(({ variant, load }) => [variant, load]);
    assert.deepEqual(rows.map((row) => row.slice(0, 2)), cells);
  }
  const latency = tables.find(({ name }) => name === "latency");
  assert.equal(latency?.rows[4]?.[2], withInterval(input.summary.cells[4]!.e2eMs.p50));
});

Deno.test("every row has a cell for each head", () => {
  for (const { columns, rows } of tablesOf(input)) {
    for (const row of rows) assert.equal(row.length, columns.length);
  }
});

Deno.test("failures have a table of their own, a run without them none", () => {
  const failures = tablesOf(input).find(({ name }) => name === "failures");
  assert.deepEqual(failures?.rows.map((row) => row.slice(0, 4)), [
    ["direct", "32 clients", "RESOURCE_EXHAUSTED", "the queue is full (1024)"],
  ]);
  const calm = { ...input, samples: input.samples.filter(({ outcome }) => outcome === "ok") };
  assert.equal(tablesOf(calm).some(({ name }) => name === "failures"), false);
});

Deno.test("goodput is a column only where an SLO is stated", () => {
  assert.ok(headsOf(input).includes("goodput req/s"));
  assert.ok(!headsOf(modesInput()).includes("goodput req/s"));
});

function headsOf(input: ReportInput): string[] {
  return tablesOf(input)[0]?.columns.map(({ head }) => head) ?? [];
}
