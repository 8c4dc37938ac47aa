import assert from "node:assert/strict";
import { estimate, figure, folded, oneLine, withInterval } from "./format.ts";
import { estimateOf } from "../../tests/support/bench/summary.ts";

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
