import assert from "node:assert/strict";
import { sampleOf } from "./sample_support.ts";
import { summarize } from "./summary.ts";

Deno.test("rates count successful requests over the time from first start to last answer", () => {
  const [row] = summarize([
    sampleOf({ intendedAt: 1000, receivedAt: 2000, outputTokens: 10 }),
    sampleOf({ intendedAt: 2000, receivedAt: 5000, outputTokens: 30 }),
    sampleOf({ intendedAt: 2000, receivedAt: 3000, outputTokens: 99, outcome: "failed" }),
  ]);
  assert.equal(row!.requestsPerSecond, 2 / 4);
  assert.equal(row!.outputTokensPerSecond, 40 / 4);
  assert.deepEqual([row!.requests, row!.failed], [3, 1]);
});

Deno.test("percentiles interpolate linearly between the nearest ranks, whatever the order of the samples", () => {
  const [row] = summarize([40, 10, 50, 20, 30].map((latencyMs) => sampleOf({ latencyMs })));
  assert.equal(row!.latencyMs.p50.value, 30);
  assert.ok(Math.abs(row!.latencyMs.p95.value - 48) < 1e-9, `${row!.latencyMs.p95.value}`);
  assert.ok(Math.abs(row!.latencyMs.p99.value - 49.6) < 1e-9, `${row!.latencyMs.p99.value}`);
});

Deno.test("a failed request counts as infinitely late, however fast it failed", () => {
  const good = Array.from({ length: 95 }, () => sampleOf({ latencyMs: 10 }));
  const bad = Array.from({ length: 5 }, () => sampleOf({ latencyMs: 1, outcome: "failed" }));
  const [row] = summarize([...bad, ...good]);
  assert.equal(row!.latencyMs.p50.value, 10);
  assert.equal(row!.latencyMs.p95.value, Infinity);
  assert.equal(row!.latencyMs.p99.value, Infinity);
});

Deno.test("when every request failed the percentiles are infinite and the rates 0", () => {
  const [row] = summarize([sampleOf({ outcome: "failed" }), sampleOf({ outcome: "failed" })]);
  assert.equal(row!.latencyMs.p50.value, Infinity);
  assert.equal(row!.requestsPerSecond, 0);
  assert.ok(Number.isNaN(row!.queueWaitMs));
});

Deno.test("a percentile is marked when too few samples are there for one to lie above it", () => {
  const marks = (count: number) => {
    const { p50, p95, p99 } = summarize(Array.from({ length: count }, () => sampleOf({})))[0]!.latencyMs;
    return [p50, p95, p99].map(({ fewSamples }) => fewSamples);
  };
  assert.deepEqual(marks(19), [false, true, true]);
  assert.deepEqual(marks(20), [false, false, true]);
  assert.deepEqual(marks(99), [false, false, true]);
  assert.deepEqual(marks(100), [false, false, false]);
});

Deno.test("TTFT and ITL come from the instants of the tokens, and from no request that failed", () => {
  const [row] = summarize([
    sampleOf({ tokenMs: [100, 110, 130] }),
    sampleOf({ tokenMs: [300, 310] }),
    sampleOf({ tokenMs: [9000, 19_000], outcome: "failed" }),
    sampleOf({ tokenMs: null }),
  ]);
  assert.equal(row!.ttftMs.p50.value, 200);
  assert.equal(row!.itlMs.p50.value, 10);
  assert.ok(row!.itlMs.p99.value > 19 && row!.itlMs.p99.value < 20, `${row!.itlMs.p99.value}`);
  assert.ok(Number.isNaN(summarize([sampleOf({})])[0]!.ttftMs.p50.value));
});

Deno.test("the mean batch size is taken over batches, not over requests", () => {
  const batch = (id: number, size: number) =>
    Array.from(
      { length: size },
      () => sampleOf({ dispatch: { id, size, reason: "full", queueWaitMs: 4, lateMs: 0 } }),
    );
  const [row] = summarize([...batch(1, 1), ...batch(2, 1), ...batch(3, 7)]);
  assert.equal(row!.batchSize, 3);
});

Deno.test("queue wait is the mean of what successful replies say, and NaN when none says anything", () => {
  const [row] = summarize([
    sampleOf({ queueWaitMs: 10 }),
    sampleOf({ queueWaitMs: 20 }),
    sampleOf({ queueWaitMs: null }),
    sampleOf({ queueWaitMs: 500, outcome: "failed" }),
  ]);
  assert.equal(row!.queueWaitMs, 15);
  assert.ok(Number.isNaN(summarize([sampleOf({ queueWaitMs: null })])[0]!.queueWaitMs));
});

Deno.test("interrupted requests are counted apart and change no figure", () => {
  const ended = [sampleOf({ receivedAt: 2000 }), sampleOf({ receivedAt: 2500 })];
  const [alone] = summarize(ended);
  const [row] = summarize([...ended, sampleOf({ intendedAt: 0, receivedAt: 9000, outcome: "interrupted" })]);
  assert.deepEqual({ ...row, interrupted: 0 }, alone);
  assert.equal(row!.interrupted, 1);
});

Deno.test("each mode and concurrency has a row of its own in the order of measurement, without the warm-up", () => {
  const rows = summarize([
    sampleOf({ mode: "queued", concurrency: 8 }),
    sampleOf({ mode: "queued", concurrency: 1, phase: "warmup" }),
    sampleOf({ mode: "queued", concurrency: 2 }),
    sampleOf({ mode: "direct", concurrency: 8 }),
    sampleOf({ mode: "queued", concurrency: 8 }),
  ]);
  assert.deepEqual(rows.map(({ mode, concurrency, requests }) => [mode, concurrency, requests]), [
    ["queued", 8, 2],
    ["queued", 2, 1],
    ["direct", 8, 1],
  ]);
});
