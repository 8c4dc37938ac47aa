import assert from "node:assert/strict";
import { environmentOf } from "./environment_support.ts";
import { report } from "./report.ts";
import type { Sample } from "./sample.ts";
import { sampleOf } from "./sample_support.ts";

Deno.test("the table has a line for each level with its figures", () => {
  const text = report({
    environment: environmentOf({}),
    samples: Array.from({ length: 100 }, (_, index) =>
      sampleOf({
        mode: "micro_batch",
        concurrency: 8,
        latencyMs: 250,
        intendedAt: 0,
        receivedAt: 10_000,
        tokenMs: [50, 60, 70],
        queueWaitMs: 12.5,
        dispatch: { id: index % 25, size: 4, reason: "full", queueWaitMs: 12.5, lateMs: 0 },
      })),
  });
  const cells = lineWith(text, "micro_batch").split("│").map((cell) => cell.trim()).slice(1, -1);
  assert.deepEqual(cells, [
    "micro_batch",
    "8",
    "100",
    "0",
    "10.0",
    "480",
    "250",
    "250",
    "250",
    "50.0",
    "10.0",
    "10.0",
    "12.5",
    "4.00",
  ]);
  assert.doesNotMatch(text, /\*/);
});

Deno.test("a percentile of few requests carries a mark that is explained", () => {
  const text = report({
    environment: environmentOf({}),
    samples: [sampleOf({ latencyMs: 250 }), sampleOf({ latencyMs: 250 })],
  });
  assert.match(lineWith(text, "│ direct"), /250 │ +250\* │ +250\*/);
  assert.match(text, /^\*: under 20 requests/m);
});

Deno.test("failures show in the table and with their first message below it", () => {
  const bad: Partial<Sample> = {
    outcome: "failed",
    status: "RESOURCE_EXHAUSTED",
    errorMessage: "queue is full",
  };
  const text = report({
    environment: environmentOf({}),
    samples: [sampleOf(bad), sampleOf(bad), sampleOf({})],
  });
  assert.match(lineWith(text, "│ direct"), /│ +3 │ +2 │/);
  assert.match(lineWith(text, "│ direct"), /failed/);
  assert.match(text, /^Failed: 2 x direct, 1 client: RESOURCE_EXHAUSTED; first: queue is full$/m);
});

Deno.test("a simulated run says so in its first line, also when only the answers tell", () => {
  const worker = { endpoint: "", startedByBench: true, backend: "sim", model: "a40", simulated: true };
  assert.match(report({ environment: environmentOf({ worker }), samples: [] }), /^SIMULATED.* a40 on sim/);
  assert.match(
    report({ environment: environmentOf({}), samples: [sampleOf({ simulated: true })] }),
    /^SIMULATED/,
  );
  assert.doesNotMatch(report({ environment: environmentOf({}), samples: [sampleOf({})] }), /SIMULATED/);
});

Deno.test("what a stop interrupted is told, and a run without an answer has no table", () => {
  const text = report({
    environment: environmentOf({}),
    samples: [sampleOf({ outcome: "interrupted" }), sampleOf({})],
  });
  assert.match(text, /^1 requests were under way when the run was stopped/m);
  assert.match(report({ environment: environmentOf({}), samples: [] }), /^Nothing was measured\.$/m);
});

Deno.test("the gain of batching is stated where both sides were measured", () => {
  const level = (mode: string, receivedAt: number) =>
    sampleOf({ mode, concurrency: 32, intendedAt: 0, receivedAt });
  const both = report({
    environment: environmentOf({}),
    samples: [level("queued", 6000), level("micro_batch", 1000)],
  });
  assert.match(both, /^At 32 clients micro_batch gave 6\.0 times the output tokens\/s of queued\.$/m);
  const one = report({ environment: environmentOf({}), samples: [level("micro_batch", 1000)] });
  assert.doesNotMatch(one, /times the output/);
});

Deno.test("a machine that was busy before the run is told", () => {
  const busy = environmentOf({ machine: { ...environmentOf({}).machine, loadAverage: 1.25 } });
  assert.match(
    report({ environment: busy, samples: [sampleOf({})] }),
    /busy before the run \(load 1\.3 on 2 cores\)/,
  );
  assert.doesNotMatch(report({ environment: environmentOf({}), samples: [sampleOf({})] }), /busy/);
});

function lineWith(text: string, part: string): string {
  return text.split("\n").find((line) => line.includes(part)) ?? "";
}
