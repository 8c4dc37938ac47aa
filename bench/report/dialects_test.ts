import fc from "fast-check";
import assert from "node:assert/strict";
import type { Sample } from "../record/sample.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Concept } from "../metrics/dialects/score.ts";
import { streamed, WORKED_EXAMPLE } from "../../tests/support/bench/stream.ts";
import { dialectRemarks, type DialectRow, dialectTable, dialectView } from "./dialects.ts";

function rowOf(rows: readonly DialectRow[], concept: Concept): DialectRow {
  const row = rows.find((row) => row.concept === concept);
  assert.ok(row, `no row ${concept}`);
  return row;
}

function valuesOf(rows: readonly DialectRow[], concept: Concept): number[] {
  const { ours, tools } = rowOf(rows, concept);
  return [ours, ...tools].map(({ value }) => Number(value.toFixed(2)));
}

Deno.test("one stream has the five figures of docs/dialects.md, in the row's unit", () => {
  const rows = dialectView([WORKED_EXAMPLE]);
  assert.deepEqual(valuesOf(rows, "TTFT mean"), [72, 40, 60, 60, 52]);
  assert.deepEqual(valuesOf(rows, "TPOT mean"), [10, 11.11, 14, NaN, 12.22]);
  assert.deepEqual(valuesOf(rows, "ITL mean"), [11.11, 33.33, 8.89, 8.89, NaN]);
  assert.deepEqual(valuesOf(rows, "E2E mean"), [162, 140, 150, 140, 162]);
  assert.deepEqual(rowOf(rows, "TTFT mean").tools.map(({ tool }) => tool), [
    "vLLM",
    "GuideLLM",
    "AIPerf",
    "LoadGen",
  ]);
});

Deno.test("a note says by how much the recording makes a definition differ", () => {
  const failed = [1, 2, 3].map((index) => streamed([], { index, outcome: "failed" }));
  const [vllm] = rowOf(dialectView([WORKED_EXAMPLE, ...failed]), "TTFT mean").tools;
  assert.deepEqual(vllm?.notes, [
    "from send: hides 12.0 ms of generator lateness",
    "the first chunk counts without text: 20.0 ms before the text of 1 request",
    "3 failed requests dropped",
  ]);
});

Deno.test("an answer in one piece, which GuideLLM counts with gaps of 0, is a reason for its ITL", () => {
  const whole = streamed([[1, 2]], { arrivals: null, firstTextMs: null });
  const { ours, tools } = rowOf(dialectView([streamed([[1, 1], [2, 1]]), whole]), "ITL mean");
  assert.deepEqual([ours.value, tools[1]?.value], [1, 0.5]);
  assert.deepEqual(tools[1]?.notes, ["1 answer in one piece counted as 0"]);
});

Deno.test("where all tools agree there is no note", () => {
  const steady = streamed([[10, 1], [20, 1], [30, 1]]);
  const { tools } = rowOf(dialectView([steady]), "TTFT p99");
  assert.deepEqual(tools.map(({ value, notes }) => [value, notes]), [[10, []], [10, []], [10, []], [10, []]]);
});

Deno.test("goodput has a row only where a limit is stated, and says who has none", () => {
  assert.ok(!dialectView([WORKED_EXAMPLE]).some(({ concept }) => concept === "goodput"));
  const { tools } = rowOf(dialectView([WORKED_EXAMPLE], { ttftMs: 50 }), "goodput");
  assert.deepEqual(tools[1]?.notes, ["GuideLLM has no goodput"]);
  assert.equal(tools[1]?.name, null);
});

Deno.test("warm-up and interrupted requests are in no figure", () => {
  const others = [
    streamed([[900, 9]], { phase: "warmup" }),
    streamed([[900, 9]], { outcome: "interrupted" }),
  ];
  assert.deepEqual(dialectView([WORKED_EXAMPLE, ...others]), dialectView([WORKED_EXAMPLE]));
});

Deno.test("the table tells each reason once, under the number that cells carry", () => {
  const lines = dialectTable(dialectView([WORKED_EXAMPLE])).split("\n");
  assert.match(lines.find((line) => line.includes("TTFT mean")) ?? "", /72 │.*40 \[1 2\] │.*60 \[1\] │/);
  assert.equal(lines.filter((line) => line.includes("hides 12.0 ms")).length, 1);
  assert.ok(lines.includes("[1] from send: hides 12.0 ms of generator lateness"));
});

Deno.test("remarks name the tool", () => {
  const remarks = dialectRemarks([WORKED_EXAMPLE]);
  assert.equal(remarks.length, 1);
  assert.match(remarks[0] ?? "", /^LoadGen: INVALID, the last query is scheduled 0\.0 s after the first/);
});

const sample: fc.Arbitrary<Sample> = fc.record({
  gaps: fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 4 })), {
    minLength: 1,
    maxLength: 5,
  }),
  mute: fc.boolean(),
  piece: fc.boolean(),
  intendedAt: fc.integer({ min: 0, max: 5000 }),
  lateMs: fc.integer({ min: 0, max: 50 }),
  tailMs: fc.integer({ min: 0, max: 20 }),
  round: fc.integer({ min: 0, max: 1 }),
  failed: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
}).map(({ gaps, mute, piece, intendedAt, lateMs, tailMs, round, failed }) => {
  let atMs = 0;
  const arrivals = gaps.map(([gapMs, tokens]) => [atMs += gapMs, tokens] as const);
  const sentAt = intendedAt + lateMs;
  const told = { intendedAt, sentAt, endedAt: sentAt + atMs + tailMs, round };
  if (failed) return sampleOf({ ...told, outcome: "failed", client: null });
  if (piece) return streamed(arrivals, { ...told, arrivals: null, firstTextMs: null });
  return streamed(arrivals, {
    ...told,
    firstTextMs: (mute && arrivals[1]?.[0]) || (arrivals[0]?.[0] ?? null),
  });
});

Deno.test("no tool's value differs from ours without a reason", () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 8 }), (samples) => {
      for (const { concept, ours, tools } of dialectView(samples, { ttftMs: 300, tpotMs: 50, e2eMs: 900 })) {
        for (const { tool, value, notes } of tools) {
          const same = Object.is(value, ours.value) ||
            Math.abs(value - ours.value) <= 0.001 * Math.abs(ours.value);
          assert.ok(same || notes.length > 0, `${tool} ${concept}: ${value} for ${ours.value}`);
        }
      }
    }),
    { numRuns: 100 },
  );
});
