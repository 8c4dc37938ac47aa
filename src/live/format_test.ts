import assert from "node:assert/strict";
import fc from "fast-check";
import { clock, count, counted, decimal, duration, millis, NOTHING, oneLine, percent } from "./format.ts";

Deno.test("counts stand in groups of three", () => {
  assert.deepEqual([0, 999, 1000, 1234567.4].map(count), ["0", "999", "1,000", "1,234,567"]);
});

Deno.test("rates have one decimal below a hundred", () => {
  assert.deepEqual([0, 9.25, 99.94, 99.96, 1234.5].map(decimal), ["0.0", "9.3", "99.9", "100", "1,235"]);
});

Deno.test("a span changes its unit with its length", () => {
  const spans = [0, 0.421, 9.996, 99.96, 412.4, 999.6, 1234, 10_000, 83_200, 100_000];
  assert.deepEqual(spans.map(millis), [
    "0 ms",
    "0.42 ms",
    "10.0 ms",
    "100 ms",
    "412 ms",
    "1.00 s",
    "1.23 s",
    "10.0 s",
    "83.2 s",
    "100 s",
  ]);
});

Deno.test("a longer span is never written as a shorter one", () => {
  const ms = (text: string) => Number.parseFloat(text.replace(",", "")) * (text.endsWith(" ms") ? 1 : 1000);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (a, b) => {
        assert.ok(ms(millis(Math.min(a, b))) <= ms(millis(Math.max(a, b))));
      },
    ),
  );
});

Deno.test("what is not known is a dash", () => {
  assert.deepEqual(
    [decimal(null), millis(null), percent(null), millis(NaN), percent(0 / 0)],
    Array(5).fill(NOTHING),
  );
});

Deno.test("parts are percent, and a small part is not nothing", () => {
  assert.deepEqual([0, 0.004, 0.5, 1].map(percent), ["0 %", "0.4 %", "50 %", "100 %"]);
});

Deno.test("a duration has its two largest units", () => {
  assert.deepEqual([-5, 42_000, 185_000, 7_440_000, 522_000_000].map(duration), [
    "0 s",
    "42 s",
    "3 min 5 s",
    "2 h 4 min",
    "6 d 1 h",
  ]);
});

Deno.test("a time of day is the reader's own", () => {
  const at = new Date(2026, 10, 28, 9, 5, 7, 42).getTime();
  assert.deepEqual([clock(at), clock(at, true)], ["09:05:07", "09:05:07.042"]);
});

Deno.test("a noun has its plural", () => {
  assert.deepEqual([counted(1, "token"), counted(0, "token"), counted(1200, "batch", "batches")], [
    "1 token",
    "0 tokens",
    "1,200 batches",
  ]);
});

Deno.test("a foreign text is one line without control characters", () => {
  assert.equal(oneLine(" a\x1b[2J\r\n\tb\u202e "), "a [2J b");
});
