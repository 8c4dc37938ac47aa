import assert from "node:assert/strict";
import type { CellSummary } from "../metrics/cell_summary.ts";
import { environmentOf, planOf } from "../../tests/support/bench/environment.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Finding } from "../metrics/cell_summary.ts";
import type { Sample } from "../record/sample.ts";
import { modesInput, sweepInput } from "../../tests/support/bench/report_fixture.ts";
import type { ReportInput } from "./input.ts";
import { cellSummaryOf, distributionOf, estimateOf } from "../../tests/support/bench/summary.ts";
import { textReport } from "./text.ts";

Deno.test("the table has a row for each cell with its figures", () => {
  const text = textReport(inputWith([
    cellSummaryOf({
      variant: "micro_batch",
      load: "8 clients",
      requests: 100,
      failed: 0,
      requestRate: estimateOf(10),
      outputTokenRate: estimateOf(480),
      ttftMs: distributionOf(hundred(50)),
      tpotMs: distributionOf(hundred(10)),
      itlMs: distributionOf(hundred(11)),
      e2eMs: distributionOf(hundred(250)),
      queueWaitMs: distributionOf(hundred(12.5)),
      batches: { count: 25, meanSize: 4, sizes: { 4: 25 }, reasons: { full: 25 } },
      goodput: estimateOf(9.5),
    }),
  ]));
  const cells = rowOf(text, "micro_batch").split(/ {2,}/);
  assert.deepEqual(cells, [
    "micro_batch",
    "8 clients",
    "100",
    "0",
    "10.0",
    "480",
    "50.0",
    "50.0",
    "10.0",
    "11.0*",
    "250",
    "250",
    "250*",
    "12.5",
    "4.00",
    "9.50",
  ]);
});

Deno.test("no line is wider than 150 columns, also in a sweep of long names", () => {
  for (const input of [modesInput({ slo: { ttftMs: 100 } }), sweepInput()]) {
    const wide = textReport(input).split("\n").filter((line) => line.length > 150);
    assert.deepEqual(wide, []);
  }
});

Deno.test("a run without findings is valid in one line; a finding names the cells that have it, once", () => {
  assert.match(textReport(inputWith([cellSummaryOf({})])), /^VALID$/m);
  const errors = { kind: "errors", text: "3 of 100 requests failed." } as const;
  const short = { kind: "too_short", text: "Round 1 measured for 1 s." } as const;
  const doubtful = (load: string, ...findings: Finding[]) =>
    cellSummaryOf({ load, verdict: { valid: false, findings } });
  const text = textReport(
    inputWith([doubtful("2", errors, short), doubtful("4", errors), cellSummaryOf({ load: "8" })]),
  );
  assert.match(text, /^NOT VALID: 2 of 3 cells$/m);
  assert.match(text, /^- direct, 2: 3 of 100 requests failed\. Also direct, 4\.$/m);
  assert.match(text, /^- direct, 2: Round 1 measured for 1 s\.$/m);
});

Deno.test("failures show as such in the table and with their first message below it", () => {
  const bad: Partial<Sample> = {
    outcome: "failed",
    status: "RESOURCE_EXHAUSTED",
    errorMessage: "queue\nis full",
  };
  const text = textReport({
    ...inputWith([cellSummaryOf({ failed: 2, e2eMs: distributionOf([Infinity]) })]),
    samples: [sampleOf(bad), sampleOf(bad), sampleOf({})],
  });
  assert.match(rowOf(text, "direct"), / 2 .* failed +failed +failed/);
  assert.match(text, /^Failed: 2 x direct, 1 client: RESOURCE_EXHAUSTED; first: queue is full$/m);
});

Deno.test("figures that are not there show as dashes and few samples as an explained mark", () => {
  const text = textReport(inputWith([cellSummaryOf({ e2eMs: distributionOf([250]) })]));
  assert.match(rowOf(text, "direct"), / - +- +- +- +250\* +250\* +250\* +- +-$/);
  assert.match(text, /^\*: too few samples/m);
});

Deno.test("a simulated run says so in its first line, also when only the answers tell", () => {
  assert.match(textReport(modesInput()), /^SIMULATED, no model ran: a40 on sim/);
  const told = { ...inputWith([cellSummaryOf({})]), samples: [sampleOf({ simulated: true })] };
  assert.match(textReport(told), /^SIMULATED/);
  assert.doesNotMatch(textReport(inputWith([cellSummaryOf({})])), /SIMULATED/);
});

Deno.test("what a stop interrupted and a machine that was busy are told; a run without an answer has no table", () => {
  const busy = environmentOf({ machine: { ...environmentOf().machine, loadAverage: 1.25 } });
  const text = textReport({ ...inputWith([cellSummaryOf({ interrupted: 1 })]), environment: busy });
  assert.match(text, /^1 request was under way when the run was stopped/m);
  assert.match(text, /busy before the run \(load 1\.3 on 2 cores\)/);
  assert.match(textReport(inputWith([])), /\nNothing was measured\.$/);
});

function hundred(value: number): number[] {
  return Array.from({ length: 100 }, () => value);
}

function inputWith(cells: readonly CellSummary[]): ReportInput {
  return { environment: environmentOf(), plan: planOf(), samples: [], summary: { schema: 1, cells } };
}

function rowOf(text: string, variant: string): string {
  return text.split("\n").find((line) => line.startsWith(`${variant} `)) ?? "";
}
