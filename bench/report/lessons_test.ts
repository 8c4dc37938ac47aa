import assert from "node:assert/strict";
import { compare } from "../compare/comparison.ts";
import { wholeRun } from "../compare/cells.ts";
import { summarizeRun } from "../metrics/summary.ts";
import { environmentOf, planOf } from "../../tests/support/bench/environment.ts";
import type { Sample } from "../record/sample.ts";
import { type MadeCell, turnsInRounds } from "../../tests/support/bench/report_fixture.ts";
import type { ReportInput } from "./input.ts";
import { lessonsOf } from "./lessons.ts";

Deno.test("the fastest variant is set against the slowest at the last load, with its price", () => {
  const [line] = lessonsOf(runOf(
    { variant: "queued", load: "1 client", tokensPerSecond: 100, e2eMs: 10 },
    { variant: "queued", load: "8 clients", tokensPerSecond: 100, e2eMs: 80 },
    { variant: "micro_batch", load: "1 client", tokensPerSecond: 90, e2eMs: 12 },
    { variant: "micro_batch", load: "8 clients", tokensPerSecond: 600, e2eMs: 20 },
  ));
  assert.match(
    line ?? "",
    /^At 8 clients micro_batch gave 6\.\d\d \(.+ to .+\) times the output tokens\/s of queued, at 0\.2\d \(.+\) times the p95 E2E latency\.$/,
  );
});

Deno.test("variants that chance may have set apart are not ranked", () => {
  const [line] = lessonsOf(runOf(
    { variant: "queued", load: "1 client", tokensPerSecond: 100, e2eMs: 10 },
    { variant: "direct", load: "1 client", tokensPerSecond: 101, e2eMs: 10 },
  ));
  assert.match(
    line ?? "",
    /can't tell apart: (direct over queued|queued over direct) is 1\.\d\d times, from 0\.\d+ to 1\.\d+\.$/,
  );
});

Deno.test("what met both in a round falls out, as it does in a comparison of the same run", () => {
  const trouble = (round: number) => 1 / (1 + round);
  const input = runOf(
    { variant: "direct", load: "8 clients", tokensPerSecond: 1000, e2eMs: 10, trouble },
    { variant: "queued", load: "8 clients", tokensPerSecond: 800, e2eMs: 10, trouble },
  );
  assert.match(lessonsOf(input)[0] ?? "", /^At 8 clients direct gave 1\.\d\d \(1\.\d+ to 1\.\d+\) times/);
  const [queued, direct] = ["queued", "direct"].map((variant) =>
    wholeRun(variant, {
      environment: input.environment,
      samples: input.samples.filter((sample) => sample.variant === variant),
    })
  );
  const figures = compare(queued!, direct!, {}, []).cells[0]?.figures;
  assert.equal(figures?.find(({ figure }) => figure === "out_tok_s")?.change, "better");
});

Deno.test("the best two are told as equal when they are", () => {
  const lines = lessonsOf(runOf(
    { variant: "queued", load: "8 clients", tokensPerSecond: 100, e2eMs: 80 },
    { variant: "direct", load: "8 clients", tokensPerSecond: 600, e2eMs: 20 },
    { variant: "continuous", load: "8 clients", tokensPerSecond: 602, e2eMs: 20 },
  ));
  assert.match(
    lines[1] ?? "",
    /^The run can't tell (continuous and direct|direct and continuous) apart there: 1\.\d/,
  );
});

Deno.test("a single variant is compared with itself under less load; a single cell with nothing", () => {
  const less = { variant: "direct", load: "2/s", tokensPerSecond: 100, e2eMs: 10 };
  const [line] = lessonsOf(runOf(less, { ...less, load: "8/s", tokensPerSecond: 400, e2eMs: 15 }));
  assert.match(
    line ?? "",
    /^From 2\/s to 8\/s, direct gave 4\.\d\d .+ at 1\.\d\d .+ times the p95 E2E latency\.$/,
  );
  assert.deepEqual(lessonsOf(runOf(less)), []);
});

Deno.test("a ratio without an interval says nothing: of two rounds of one request no chance is known", () => {
  const few = { rounds: 2, requests: 1, e2eMs: 10 };
  const [line, ...others] = lessonsOf(runOf(
    { variant: "queued", load: "8 clients", tokensPerSecond: 100, ...few },
    { variant: "direct", load: "8 clients", tokensPerSecond: 600, ...few },
    { variant: "continuous", load: "8 clients", tokensPerSecond: 605, ...few },
  ));
  assert.match(line ?? "", /^At 8 clients the variants gave .+ can't tell apart\.$/);
  assert.deepEqual(others, []);
});

Deno.test("a p95 that nothing bounds has no ratio, as in a comparison", () => {
  const few = { rounds: 5, requests: 12 };
  const [line] = lessonsOf(runOf(
    { variant: "queued", load: "8 clients", tokensPerSecond: 100, e2eMs: 80, ...few },
    { variant: "direct", load: "8 clients", tokensPerSecond: 600, e2eMs: 20, ...few },
  ));
  assert.match(
    line ?? "",
    /^At 8 clients direct gave 6\.\d\d .+; p95 E2E latency: 2\d\.\d ms against 9\d\.\d ms\./,
  );
});

Deno.test("a price that failures decide is told as such, with the doubt that they cast", () => {
  const [line] = lessonsOf(runOf(
    { variant: "queued", load: "8 clients", tokensPerSecond: 100, e2eMs: 80 },
    { variant: "direct", load: "8 clients", tokensPerSecond: 600, e2eMs: 20, failing: 0.2 },
  ));
  assert.match(
    line ?? "",
    /; p95 E2E latency: a failure against 9\d\.\d ms\. That rests on cells that are NOT VALID\.$/,
  );
});

function runOf(...cells: MadeCell[]): ReportInput {
  const samples: Sample[] = turnsInRounds(cells);
  const names = (of: "variant" | "load") => [...new Set(cells.map((cell) => cell[of]))];
  const plan = planOf({
    variants: names("variant").map((name) => ({ name, mode: null, settings: {} })),
    loads: names("load").map((name) => ({ kind: "closed", name, concurrency: 1 })),
  });
  return { environment: environmentOf({ plan }), plan, samples, summary: summarizeRun(samples, plan) };
}
