import assert from "node:assert/strict";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { randomStream, shuffled, uniformAboveZero, weightedChoice } from "./random.ts";

Deno.test("a stream depends on its seed and on every word of its purpose, and on nothing else", () => {
  const first = (...of: Parameters<typeof randomStream>) => uniformFloat64(randomStream(...of));
  assert.equal(first(1, "class", 2), first(1, "class", 2));
  const all = [
    first(1, "class", 2),
    first(2, "class", 2),
    first(1, "tenant", 2),
    first(1, "class", 3),
    first(1, "class"),
  ];
  assert.equal(new Set(all).size, all.length);
});

Deno.test("streams of seeds that follow each other are even from their first number on", () => {
  const firsts = Array.from({ length: 10_000 }, (_, seed) => uniformAboveZero(randomStream(seed, "test")));
  const tenths = Array.from(
    { length: 10 },
    (_, at) => firsts.filter((u) => Math.ceil(u * 10) === at + 1).length,
  );
  const chiSquare = tenths.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquare < 21.7, `1 % of even draws go beyond 21.7 with 9 degrees of freedom, got ${chiSquare}`);
});

Deno.test("items are drawn in proportion to their weights, those of weight 0 never", () => {
  const items = [{ name: "a", weight: 1 }, { name: "b", weight: 0 }, { name: "c", weight: 3 }];
  const draw = weightedChoice(items, randomStream(1, "test"));
  const drawn = Array.from({ length: 20_000 }, () => draw().name);
  assert.ok(!drawn.includes("b"));
  const share = drawn.filter((name) => name === "c").length / drawn.length;
  assert.ok(Math.abs(share - 0.75) < 0.01, `share ${share}`);
});

Deno.test("weights that add up to nothing are refused", () => {
  assert.throws(() => weightedChoice([{ weight: 0 }], randomStream(1)), RangeError);
  assert.throws(() => weightedChoice([], randomStream(1)), RangeError);
});

Deno.test("a shuffle keeps the items and leaves the list alone", () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const order = shuffled(items, randomStream(1, "test"));
  assert.deepEqual(order.toSorted((a, b) => a - b), items);
  assert.notDeepEqual(order, items);
  assert.equal(items[0], 0);
});
