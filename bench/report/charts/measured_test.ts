import assert from "node:assert/strict";
import fc from "fast-check";
import { evenly, quantiles } from "./measured.ts";

Deno.test("few samples are all there, each at its share", () => {
  assert.deepEqual(quantiles([10, 20, 30], 100), [[10, 0], [20, 0.5], [30, 1]]);
  assert.deepEqual(quantiles([], 100), []);
});

Deno.test("failures cut a distribution off below 1", () => {
  assert.deepEqual(quantiles([10, 20, Infinity], 100), [[10, 0], [20, 0.5]]);
});

Deno.test("a curve of many samples has as many points as asked for and a tail, and never falls", () => {
  const sizes = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 500 });
  fc.assert(fc.property(sizes, fc.integer({ min: 2, max: 60 }), (values, points) => {
    const curve = quantiles(values.toSorted((a, b) => a - b), points);
    assert.ok(curve.length <= points + 2);
    for (const [index, [value, share]] of curve.slice(1).entries()) {
      assert.ok(value >= (curve[index]?.[0] ?? 0) - 1e-6 && share > (curve[index]?.[1] ?? 0));
    }
  }));
});

Deno.test("a sample of a series has the number asked for, in order, from its whole length", () => {
  const series = Array.from({ length: 1000 }, (_, index) => index);
  const some = evenly(series, 10);
  assert.deepEqual(some, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
  assert.equal(evenly(series, 2000), series);
});
