import assert from "node:assert/strict";
import fc from "fast-check";
import { ratioOf } from "./ratio.ts";
import { estimateOf } from "./summary_support.ts";

Deno.test("two figures without any doubt give a ratio without any", () => {
  const ratio = ratioOf(estimateOf(30, { low: 30, high: 30 }), estimateOf(10, { low: 10, high: 10 }));
  for (const part of [ratio?.value, ratio?.low, ratio?.high]) assert.ok(Math.abs((part ?? NaN) - 3) < 1e-12);
  assert.equal(ratio?.differs, true);
});

Deno.test("against a figure without doubt the interval is the other's, scaled", () => {
  const ratio = ratioOf(estimateOf(30, { low: 20, high: 50 }), estimateOf(10, { low: 10, high: 10 }));
  assert.deepEqual([ratio?.low.toFixed(9), ratio?.high.toFixed(9)], ["2.000000000", "5.000000000"]);
});

Deno.test("figures whose doubts overlap do not differ", () => {
  const [a, b] = [estimateOf(105, { low: 95, high: 115 }), estimateOf(100, { low: 90, high: 110 })];
  assert.equal(ratioOf(a, b)?.differs, false);
});

Deno.test("nothing is compared with zero, with nothing, or with failures", () => {
  for (const bad of [0, NaN, Infinity]) {
    assert.equal(ratioOf(estimateOf(1), estimateOf(bad)), undefined);
    assert.equal(ratioOf(estimateOf(1, { high: bad }), estimateOf(1)), undefined);
  }
});

Deno.test("the ratio the other way round is its inverse, and lies in its interval", () => {
  const figures = fc.tuple(
    fc.double({ min: 0.01, max: 1e4, noNaN: true }),
    fc.double({ min: 1, max: 3, noNaN: true }),
  )
    .map(([value, spread]) => estimateOf(value, { low: value / spread, high: value * spread }));
  fc.assert(fc.property(figures, figures, (a, b) => {
    const [there, back] = [ratioOf(a, b), ratioOf(b, a)];
    assert.ok(there && back);
    assert.ok(Math.abs(there.low * back.high - 1) < 1e-9 && Math.abs(there.value * back.value - 1) < 1e-9);
    assert.ok(there.low <= there.value * (1 + 1e-12) && there.value <= there.high * (1 + 1e-12));
  }));
});
