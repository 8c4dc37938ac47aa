import assert from "node:assert/strict";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { blocksPerRound, drawWeights } from "./blocks.ts";

/** Rounds of requests one after the other, each of `e2eMs`, sent every 10 ms. */
function rounds(count: number, requests: number, e2eMs = 10) {
  return Array.from({ length: count }, (_, round) =>
    Array.from({ length: requests }, (_, index) => {
      const intendedAt = round * 1e6 + index * 10;
      return sampleOf({ round, index, intendedAt, endedAt: intendedAt + e2eMs });
    })).flat();
}

Deno.test("about 12 blocks in all; from 9 rounds on each round is one", () => {
  assert.deepEqual([1, 2, 3, 5, 9, 20].map((count) => blocksPerRound(rounds(count, 100))), [
    12,
    6,
    4,
    2,
    1,
    1,
  ]);
});

Deno.test("a block has as many requests as the system at least, while there are 5 blocks", () => {
  assert.equal(blocksPerRound(rounds(1, 1000, 1000)), 10, "91 in the system");
  assert.equal(blocksPerRound(rounds(1, 1000, 9000)), 5, "474 in the system");
  assert.equal(blocksPerRound(rounds(1, 3)), 3);
});

Deno.test("a resampling has blocks of neighbours, within rounds, of the size of the whole", () => {
  const requests = rounds(2, 60);
  for (const weights of drawWeights(requests, 6, { count: 50, seed: 3 })) {
    assert.equal(weights.reduce((sum, weight) => sum + weight, 0), 120);
    const changes = [...weights.keys()].filter((at) => weights[at] !== weights[at - 1] && at % 60 !== 0);
    assert.ok(changes.length <= 24, `12 blocks begin and end ${changes.length} times`);
  }
});

Deno.test("the seed draws the blocks, and cells with as many rounds share the rounds drawn", () => {
  const draw = (requests: number, seed: number) =>
    [...drawWeights(rounds(3, requests), 4, { count: 20, seed })].map((weights) => Array.from(weights));
  const perRound = (requests: number, seed: number) =>
    [...drawWeights(rounds(3, requests), 4, { count: 20, seed })].map((weights) =>
      [0, 1, 2].map((round) =>
        weights.slice(round * requests, (round + 1) * requests).reduce((a, b) => a + b, 0) / (requests / 4)
      )
    );
  assert.deepEqual(draw(40, 1), draw(40, 1));
  assert.notDeepEqual(draw(40, 1), draw(40, 2));
  assert.deepEqual(perRound(40, 1), perRound(80, 1));
});
