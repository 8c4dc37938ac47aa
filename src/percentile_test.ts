import assert from "node:assert/strict";
// @ts-types="@types/d3-array"
import { quantileSorted } from "d3-array";
import fc from "fast-check";
import { percentile } from "./percentile.ts";

const latencies = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
const percents = fc.double({ min: 0, max: 100, noNaN: true });
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

Deno.test("percentiles interpolate linearly between the closest ranks, as the type 7 of d3, NumPy and R", () => {
  assert.equal(percentile([10, 20, 30, 40, 50], 50), 30);
  assert.equal(percentile([10, 20, 30, 40, 50], 95), 48);
  assert.equal(percentile([10, 20], 25), 12.5);
  fc.assert(fc.property(latencies, percents, (values, percent) => {
    const ours = percentile(ascending(values), percent);
    const theirs = quantileSorted(ascending(values), percent / 100) ?? NaN;
    assert.ok(Math.abs(ours - theirs) <= 1e-9 * Math.max(1, theirs), `${ours} ${theirs}`);
  }));
});

Deno.test("a percentile that touches a failure is Infinity, one that stops short of it is not", () => {
  const hundredAndOne = [...new Array<number>(96).fill(7), ...new Array<number>(5).fill(Infinity)];
  assert.equal(percentile(hundredAndOne, 95), 7, "rank 95 of 0 to 100 is the last success");
  assert.equal(percentile(hundredAndOne, 95.001), Infinity);
  assert.equal(percentile([1, Infinity, Infinity], 99), Infinity, "between two failures too");
  assert.equal(percentile([Infinity], 50), Infinity);
});

Deno.test("nothing has no percentile", () => {
  assert.ok(Number.isNaN(percentile([], 50)));
});

Deno.test("a higher percentile is never lower, and all lie between the least and the greatest sample", () => {
  const withFailures = fc.array(
    fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constant(Infinity)),
    { minLength: 1 },
  );
  fc.assert(fc.property(withFailures, percents, percents, (values, one, other) => {
    const sorted = ascending(values);
    const [low, high] = [Math.min(one, other), Math.max(one, other)].map((p) => percentile(sorted, p));
    assert.ok(low! <= high! * (1 + 1e-12), `${low} ${high}`);
    assert.ok(sorted[0]! <= low! && high! <= sorted.at(-1)!);
  }));
});
