import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import {
  FIGURE_NAMES,
  type FigureName,
  figureOf,
  higherIsBetter,
  parseFigureName,
  parseSlo,
  statisticOf,
} from "./figure_names.ts";
import { mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { summarizeCell } from "./summary.ts";

const LOAD = { kind: "closed", name: "1 client", concurrency: 1 } as const;
const problemsOf = (action: () => unknown): readonly string[] => {
  try {
    action();
  } catch (error) {
    if (error instanceof StartupError) return error.problems;
  }
  return [];
};

Deno.test("a name that isn't one is answered with all that are", () => {
  assert.equal(parseFigureName("ttft_p95"), "ttft_p95");
  const [problem = ""] = problemsOf(() => parseFigureName("p95"));
  assert.match(problem, /^a figure must be one of e2e_mean, .*goodput, failed_share, got "p95"$/);
});

Deno.test("every name gives the same figure from the summary and as a statistic of the samples", () => {
  const samples = mm1(randomOf(3), {
    requests: 60,
    load: 0.5,
    told: { firstTextMs: 2, arrivals: [[2, 1], [3, 2]], outputTokens: 3, queueWaitMs: 1 },
  });
  samples[7] = { ...samples[7]!, outcome: "failed" };
  const slo = { e2eMs: 15 };
  const summary = summarizeCell(samples, LOAD, slo);
  for (const name of FIGURE_NAMES) {
    const { value } = figureOf(summary, name);
    assert.equal(statisticOf(name, slo)(samples), value, name);
    assert.ok(!Number.isNaN(value), name);
  }
});

Deno.test("without an SLO there is no goodput, and without streaming no TTFT", () => {
  const samples = [sampleOf({})];
  for (const name of ["goodput", "ttft_p50", "itl_p99"] satisfies FigureName[]) {
    assert.ok(Number.isNaN(statisticOf(name, {})(samples)), name);
    assert.ok(Number.isNaN(figureOf(summarizeCell(samples, LOAD, {}), name).value), name);
  }
});

Deno.test("rates are better when higher, latencies and failures when lower", () => {
  const better = FIGURE_NAMES.filter(higherIsBetter);
  assert.deepEqual(better, ["req_s", "out_tok_s", "total_tok_s", "goodput"]);
});

Deno.test("no failure among 100 leaves room for 3.7 %", () => {
  const { value, low, high } = figureOf(
    summarizeCell(Array.from({ length: 100 }, (_, index) => sampleOf({ index })), LOAD, {}),
    "failed_share",
  );
  assert.deepEqual([value, low, Number(high.toFixed(4))], [0, 0, 0.0370]);
});

Deno.test("an SLO's limits have units", () => {
  assert.deepEqual(parseSlo("ttft=500ms,tpot=50ms,e2e=5s"), { ttftMs: 500, tpotMs: 50, e2eMs: 5000 });
  assert.deepEqual(parseSlo("e2e=1.5s"), { e2eMs: 1500 });
  assert.deepEqual(parseSlo(""), {});
});

Deno.test("an SLO that is wrong is answered part by part", () => {
  assert.deepEqual(problemsOf(() => parseSlo("itl=5ms,ttft=500,tpot=0ms,e2e=x,e2e=1s,e2e=2s")), [
    'an SLO must limit one of ttft, tpot, e2e, as in ttft=500ms, got "itl=5ms"',
    'the SLO\'s ttft must be a number above 0 with the unit ms or s, got "ttft=500"',
    'the SLO\'s tpot must be a number above 0 with the unit ms or s, got "tpot=0ms"',
    'the SLO\'s e2e must be a number above 0 with the unit ms or s, got "e2e=x"',
    'the SLO must limit e2e once, got "e2e=2s" after 1000ms',
  ]);
});
