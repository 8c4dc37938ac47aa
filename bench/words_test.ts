import assert from "node:assert/strict";
import { estimateOf } from "../tests/support/bench/summary.ts";
import {
  counted,
  estimate,
  figure,
  folded,
  listed,
  ms,
  oneLine,
  percent,
  threeDigits,
  withInterval,
} from "./words.ts";

Deno.test("a number has three digits, or all of its whole ones, and is never minus zero", () => {
  assert.deepEqual([0, 1.234, 12.34, 123.4, 999.9, 12345.6, -12.34, -0.001].map(threeDigits), [
    "0.00",
    "1.23",
    "12.3",
    "123",
    "1000",
    "12346",
    "-12.3",
    "0.00",
  ]);
});

Deno.test("a time is in milliseconds up to a second, and without an exponent at any length", () => {
  assert.deepEqual([0.05, 2, 12.34, 999.9, 1000, 12_345, 3_600_000].map(ms), [
    "0.05 ms",
    "2.00 ms",
    "12.3 ms",
    "1000 ms",
    "1.00 s",
    "12.3 s",
    "3600 s",
  ]);
});

Deno.test("shares are per cent, with a digit where they are small", () => {
  assert.deepEqual([0, 0.0123, -0.0099, 0.5, 1, NaN].map(percent), [
    "0.0 %",
    "1.2 %",
    "-1.0 %",
    "50 %",
    "100 %",
    "-",
  ]);
});

Deno.test("counts agree with their nouns", () => {
  assert.deepEqual([counted(1, "request"), counted(2, "request"), counted(2, "batch"), counted(0, "load")], [
    "1 request",
    "2 requests",
    "2 batches",
    "0 loads",
  ]);
});

Deno.test("a list ends with and", () => {
  assert.deepEqual([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed), ["", "a", "a and b", "a, b and c"]);
});

Deno.test("a figure has three significant digits or whole units", () => {
  assert.deepEqual([0, 1.234, 12.34, 123.4, 12345.6, -12.34].map(figure), [
    "0.00",
    "1.23",
    "12.3",
    "123",
    "12346",
    "-12.3",
  ]);
});

Deno.test("what is not there shows as a dash, what failures decide as failed, and nothing is minus zero", () => {
  assert.deepEqual([NaN, -Infinity, Infinity, -0.001].map(figure), ["-", "-", "failed", "0.00"]);
});

Deno.test("an estimate of few samples carries a mark, one without value none", () => {
  assert.equal(estimate(estimateOf(12.34, { few: true })), "12.3*");
  assert.equal(estimate(estimateOf(Infinity, { few: true })), "failed");
  assert.equal(estimate(estimateOf(NaN, { few: true })), "-");
});

Deno.test("an interval stands behind its value, also when it reaches into the failures", () => {
  assert.equal(withInterval(estimateOf(100, { low: 90, high: 120 })), "100 (90.0 to 120)");
  assert.equal(withInterval(estimateOf(100, { low: 90, high: Infinity })), "100 (90.0 or more)");
  assert.equal(withInterval(estimateOf(100, { low: NaN, high: NaN })), "100");
  assert.equal(withInterval(estimateOf(Infinity)), "failed");
});

Deno.test("what a server says stays on its line and sends a terminal no codes", () => {
  assert.equal(oneLine(" a\nb\t\u001b[31mred\u0007 "), "a b [31mred");
});

Deno.test("long lines are folded at spaces and their words stay whole", () => {
  assert.equal(folded("one two three", 8), "one two\n  three");
  assert.equal(folded("unbreakable", 4), "unbreakable");
});
