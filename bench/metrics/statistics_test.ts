import assert from "node:assert/strict";
// @ts-types="@types/d3-array"
import { quantileSorted } from "d3-array";
import fc from "fast-check";
import { chiSquareTail, expandedTail, kruskalWallis, normalTail, percentile } from "./statistics.ts";

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

const near = (value: number, expected: number, relative: number) =>
  assert.ok(Math.abs(value / expected - 1) < relative, `${value} is not ${expected}`);

Deno.test("the normal tail is that of the tables", () => {
  near(normalTail(1.959963984540054), 0.025, 1e-5);
  near(normalTail(3), 0.0013498980, 1e-4);
});

Deno.test("few blocks widen the interval as Student's t and the missing degree of freedom ask", () => {
  near(expandedTail(12), normalTail(2.200985 * Math.sqrt(12 / 11)), 0.005);
  near(expandedTail(5), normalTail(2.776445 * Math.sqrt(5 / 4)), 0.05);
  near(expandedTail(1e6), 0.025, 1e-4);
});

Deno.test("Kruskal and Wallis's statistic and its tail are those of the tables", () => {
  assert.ok(Math.abs(kruskalWallis([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) - 7.2) < 1e-9);
  assert.ok(Math.abs(kruskalWallis([[1, 1], [1, 2]]) - 1) < 1e-9, "corrected for ties");
  assert.equal(kruskalWallis([[5, 5], [5, 5], [5, 5]]), 0);
  assert.ok(Math.abs(chiSquareTail(9.21034, 1) - 0.01) < 1e-6, "2 degrees of freedom");
  assert.ok(Math.abs(chiSquareTail(13.2767, 2) - 0.01) < 1e-6, "4 degrees of freedom");
});
