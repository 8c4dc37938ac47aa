import assert from "node:assert/strict";
import { chiSquareTail, expandedTail, kruskalWallis, normalTail } from "./statistics.ts";

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
