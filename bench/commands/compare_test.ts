import assert from "node:assert/strict";
import { parseCommand } from "../cli/command.ts";
import type { RunPlan, Variant } from "../plan.ts";
import type { WorkloadFile } from "../workload/file.ts";
import { comparisonPlan, exitCodeOf } from "./compare.ts";

const VARIANTS: readonly [Variant, Variant] = [
  { name: "direct", mode: "direct", settings: {} },
  { name: "micro_batch BATCH_WINDOW_MS=5", mode: "micro_batch", settings: { BATCH_WINDOW_MS: 5 } },
];

Deno.test("a comparison has at least six rounds and a minute for each cell, unless it is told", () => {
  assert.deepEqual(extent([]), { rounds: 6, requests: null, durationMs: 60_000 });
  assert.deepEqual(extent([], { rounds: 9, requests: 100 }), { rounds: 9, requests: 100, durationMs: null });
  assert.deepEqual(extent([], { rounds: 2, duration: 5 }), {
    rounds: 6,
    requests: null,
    durationMs: 5000,
  });
  assert.deepEqual(extent(["--rounds=2", "--requests=50"]), { rounds: 2, requests: 50, durationMs: null });
});

Deno.test("its variants are BASE and NEW, also with a workload file that has others; loads are the flags'", () => {
  const { variants, loads } = plan(["--concurrency=4,8"], { variants: [VARIANTS[0]] });
  assert.deepEqual(variants, VARIANTS);
  assert.deepEqual(loads.map(({ name }) => name), ["4 clients", "8 clients"]);
});

Deno.test("one broken limit is code 3, one undecided code 1, and neither hides the other", () => {
  const code = (...outcomes: ("kept" | "broken" | "undecided")[]) =>
    exitCodeOf({
      limits: outcomes.map((outcome) => ({ limit: "", load: "", variant: "", outcome, reasons: [] })),
    });
  assert.deepEqual([code(), code("kept"), code("kept", "undecided")], [0, 0, 1]);
  assert.deepEqual([code("kept", "broken"), code("undecided", "broken", "kept")], [3, 3]);
});

function extent(flags: readonly string[], file: WorkloadFile = {}) {
  const { rounds, requests, durationMs } = plan(flags, file);
  return { rounds, requests, durationMs };
}

function plan(flags: readonly string[], file: WorkloadFile = {}): RunPlan {
  const command = parseCommand(["compare", "direct", "micro_batch,BATCH_WINDOW_MS=5", ...flags], {});
  assert.ok("name" in command);
  return comparisonPlan(command, file, VARIANTS);
}
