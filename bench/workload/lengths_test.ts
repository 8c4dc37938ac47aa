import assert from "node:assert/strict";
import fc from "fast-check";
import type { Lengths } from "../plan.ts";
import { drawLength, LENGTHS, MOST_TOKENS } from "./lengths.ts";
import { randomStream, standardNormal } from "./random.ts";

const DRAWS = 40_000;
const WIDE = { min: 1, max: MOST_TOKENS };

Deno.test("lengths are read from their short texts", () => {
  assert.deepEqual(LENGTHS.parse("512"), { kind: "fixed", tokens: 512 });
  assert.deepEqual(LENGTHS.parse("128-1024"), { kind: "uniform", min: 128, max: 1024 });
  const wide = { mean: 300, sd: 200, min: 1, max: MOST_TOKENS };
  assert.deepEqual(LENGTHS.parse("lognormal:300:200"), { kind: "lognormal", ...wide });
  assert.deepEqual(LENGTHS.parse("normal:300:200:900"), { kind: "normal", ...wide, max: 900 });
  assert.deepEqual(LENGTHS.parse("normal:300:200:16-900"), { kind: "normal", ...wide, min: 16, max: 900 });
  assert.deepEqual(LENGTHS.parse("geometric:64"), { kind: "geometric", mean: 64, max: MOST_TOKENS });
  assert.deepEqual(LENGTHS.parse("geometric:1.5:9"), { kind: "geometric", mean: 1.5, max: 9 });
});

const REFUSED = [
  ...["", "many", "-5", "0", "1.5", "131073", "9-3", "0-3", "1-131073", "normal", "uniform:1:9"],
  ...["normal:3", "normal:3:4:5:6", "normal:3:4:x", "normal:a:3", "normal:3:-1", "normal:3:131073"],
  ...["geometric:3:4:5", "geometric:3:2-9", "geometric:0.5", "geometric:9:8"],
  ...["lognormal:300:9:100", "lognormal:30:9:40-100", "lognormal:30:9:1-131073"],
];

for (const text of REFUSED) {
  Deno.test(`refused: a length of "${text}"`, () => assert.equal(LENGTHS.parse(text), undefined));
}

Deno.test("a fixed length is always the same", () => {
  assert.deepEqual(new Set(drawn({ kind: "fixed", tokens: 64 }, 100)), new Set([64]));
});

Deno.test("uniform lengths reach both ends, each as often as the others", () => {
  const lengths = drawn({ kind: "uniform", min: 10, max: 19 });
  const counts = Array.from({ length: 10 }, (_, at) => lengths.filter((tokens) => tokens === 10 + at).length);
  assert.equal(counts.reduce((sum, count) => sum + count), DRAWS);
  for (const count of counts) near(count / DRAWS, 0.1, 0.006);
});

Deno.test("standard normal variates have mean 0, standard deviation 1 and the normal quantiles", () => {
  const random = randomStream(3, "test");
  const variates = Array.from({ length: DRAWS }, () => standardNormal(random));
  const { mean, sd, quantile } = momentsOf(variates);
  near(mean, 0, 0.02);
  near(sd, 1, 0.02);
  near(quantile(0.5), 0, 0.025);
  near(quantile(0.975), 1.96, 0.05);
});

Deno.test("normal lengths have the mean and the deviation asked for", () => {
  const { mean, sd, quantile } = momentsOf(drawn({ kind: "normal", mean: 500, sd: 50, ...WIDE }));
  near(mean, 500, 1);
  near(sd, 50, 1);
  near(quantile(0.9), 564, 3);
});

Deno.test("lognormal lengths have mean and deviation of the tokens, not of their logarithm", () => {
  const { mean, sd, quantile } = momentsOf(drawn({ kind: "lognormal", mean: 300, sd: 200, ...WIDE }));
  near(mean, 300, 4);
  near(sd, 200, 10);
  near(quantile(0.5), 300 / Math.sqrt(1 + (200 / 300) ** 2), 5);
});

Deno.test("geometric lengths have their mean, and what is left after k tokens is as long as before", () => {
  const lengths = drawn({ kind: "geometric", mean: 50, max: MOST_TOKENS });
  near(momentsOf(lengths).mean, 50, 0.8);
  const longer = lengths.filter((tokens) => tokens > 60).map((tokens) => tokens - 60);
  near(longer.length / DRAWS, (1 - 1 / 50) ** 60, 0.01);
  near(momentsOf(longer).mean, 50, 1.5);
  assert.equal(Math.min(...lengths), 1);
});

Deno.test("a deviation of 0 and a mean of 1 are no special cases", () => {
  assert.deepEqual(new Set(drawn({ kind: "normal", mean: 7, sd: 0, ...WIDE }, 50)), new Set([7]));
  assert.deepEqual(new Set(drawn({ kind: "lognormal", mean: 7, sd: 0, ...WIDE }, 50)), new Set([7]));
  assert.deepEqual(new Set(drawn({ kind: "geometric", mean: 1, max: 9 }, 50)), new Set([1]));
});

Deno.test("every draw of every distribution is a whole number within its bounds", () => {
  const tokens = fc.integer({ min: 1, max: 5000 });
  const lengths = fc.record({
    kind: fc.constantFrom("uniform", "normal", "lognormal", "geometric"),
    bounds: fc.tuple(tokens, tokens),
    mean: tokens,
    sd: fc.double({ min: 0, max: 10_000, noNaN: true }),
  });
  fc.assert(fc.property(lengths, fc.nat(), ({ kind, bounds, mean, sd }, seed) => {
    const [min, max] = bounds[0] < bounds[1] ? bounds : [bounds[1], bounds[0]];
    const of = { kind, min, max, mean, sd } as Lengths;
    const lowest = kind === "geometric" ? 1 : min;
    for (const length of drawn(of, 20, seed)) {
      assert.ok(Number.isInteger(length) && length >= lowest && length <= max, `${length}`);
    }
  }));
});

function drawn(lengths: Lengths, count = DRAWS, seed = 1): number[] {
  const random = randomStream(seed, "test");
  return Array.from({ length: count }, () => drawLength(lengths, random));
}

function momentsOf(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const sorted = values.toSorted((a, b) => a - b);
  return {
    mean,
    sd: Math.sqrt(variance),
    quantile: (q: number) => sorted[Math.floor(q * sorted.length)] ?? NaN,
  };
}

function near(actual: number, expected: number, within: number): void {
  assert.ok(Math.abs(actual - expected) <= within, `expected ${expected} ± ${within}, got ${actual}`);
}
