import assert from "node:assert/strict";
import { PROMPTS, workload, type WorkloadOptions } from "./workload.ts";

Deno.test("the same seed gives the same requests, another seed another order", () => {
  const seven = take(200, { seed: 7, maxTokens: 8 });
  assert.deepEqual(take(200, { seed: 7, maxTokens: 8 }), seven);
  assert.notDeepEqual(take(200, { seed: 8, maxTokens: 8 }), seven);
});

Deno.test("every round asks each prompt once, in an order of its own", () => {
  const [first, second] = [0, 1].map((round) =>
    take(2 * PROMPTS.length, { seed: 1, maxTokens: 8 })
      .slice(round * PROMPTS.length, (round + 1) * PROMPTS.length)
      .map(({ prompt }) => prompt)
  );
  assert.deepEqual(first!.toSorted(), PROMPTS.toSorted());
  assert.deepEqual(second!.toSorted(), PROMPTS.toSorted());
  assert.notDeepEqual(first, second);
});

Deno.test("the prompts differ, also in length, and requests are numbered from 0", () => {
  assert.equal(new Set(PROMPTS).size, 64);
  const lengths = PROMPTS.map((prompt) => prompt.length);
  assert.ok(Math.max(...lengths) > 10 * Math.min(...lengths), `lengths ${lengths}`);
  assert.deepEqual(take(3, { seed: 1, maxTokens: 9 }).map(({ index, maxTokens }) => [index, maxTokens]), [
    [0, 9],
    [1, 9],
    [2, 9],
  ]);
});

function take(count: number, options: WorkloadOptions) {
  return workload(options).take(count).toArray();
}
