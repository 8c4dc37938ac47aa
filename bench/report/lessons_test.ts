import assert from "node:assert/strict";
import type { CellSummary } from "../metrics/cell_summary.ts";
import { environmentOf, planOf } from "../record/environment_support.ts";
import { closed } from "./fixture_support.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";
import { cellSummaryOf, distributionOf, estimateOf } from "./summary_support.ts";

Deno.test("the fastest variant is set against the slowest at the last load, with its price", () => {
  const [line] = lessonsOf(runOf(
    cell("queued", "1 client", 100, 10),
    cell("queued", "8 clients", 100, 80),
    cell("micro_batch", "1 client", 90, 12),
    cell("micro_batch", "8 clients", 600, 20),
  ));
  assert.match(
    line ?? "",
    /^At 8 clients micro_batch gave 6\.00 \(.+ to .+\) times the output tokens\/s of queued, at 0\.25 \(.+\) times the p95 E2E latency\.$/,
  );
});

Deno.test("variants whose intervals overlap are not ranked", () => {
  const [line] = lessonsOf(runOf(cell("queued", "1 client", 100, 10), cell("direct", "1 client", 101, 10)));
  assert.match(line ?? "", /can't tell apart: direct over queued is 1\.01 times, from/);
});

Deno.test("the best two are told as equal when they are", () => {
  const lines = lessonsOf(runOf(
    cell("queued", "8 clients", 100, 80),
    cell("direct", "8 clients", 600, 20),
    cell("continuous", "8 clients", 605, 20),
  ));
  assert.match(lines[1] ?? "", /^The run can't tell continuous and direct apart there/);
});

Deno.test("a single variant is compared with itself under less load; a single cell with nothing", () => {
  const [line] = lessonsOf(runOf(cell("direct", "2/s", 100, 10), cell("direct", "8/s", 400, 15)));
  assert.match(
    line ?? "",
    /^From 2\/s to 8\/s, direct gave 4\.00 .+ at 1\.50 .+ times the p95 E2E latency\.$/,
  );
  assert.deepEqual(lessonsOf(runOf(cell("direct", "2/s", 100, 10))), []);
});

Deno.test("a price that failures decide is told as such", () => {
  const failing = { ...cell("direct", "8 clients", 600, 20), e2eMs: distributionOf([Infinity]) };
  const [line] = lessonsOf(runOf(cell("queued", "8 clients", 100, 80), failing));
  assert.match(line ?? "", /; p95 E2E latency: a failure against 80\.0 ms\.$/);
});

Deno.test("what rests on a doubtful cell says so", () => {
  const doubtful = { ...cell("direct", "8 clients", 600, 20), verdict: { valid: false, findings: [] } };
  const [line] = lessonsOf(runOf(cell("queued", "8 clients", 100, 80), doubtful));
  assert.match(line ?? "", /latency\. That rests on cells that are NOT VALID\.$/);
});

function cell(variant: string, load: string, tokens: number, p95: number): CellSummary {
  return cellSummaryOf({ variant, load, outputTokenRate: estimateOf(tokens), e2eMs: distributionOf([p95]) });
}

function runOf(...cells: CellSummary[]): ReportInput {
  const loads = [...new Set(cells.map(({ load }) => load))].map((name) => ({ ...closed(1), name }));
  return {
    environment: environmentOf(),
    plan: planOf({ loads }),
    samples: [],
    summary: { schema: 1, cells },
  };
}
