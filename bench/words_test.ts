import assert from "node:assert/strict";
import { counted, listed, ms, percent, threeDigits } from "./words.ts";

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
