import assert from "node:assert/strict";
import { naturalPrompts, PROMPTS } from "./prompts.ts";
import { randomStream } from "./random.ts";

Deno.test("the same stream gives the same prompts, another one another order", () => {
  assert.deepEqual(take(200, 7), take(200, 7));
  assert.notDeepEqual(take(200, 8), take(200, 7));
});

Deno.test("every round asks each prompt once, in an order of its own", () => {
  const asked = take(2 * PROMPTS.length, 1);
  const [first, second] = [asked.slice(0, PROMPTS.length), asked.slice(PROMPTS.length)];
  assert.deepEqual(first.toSorted(), PROMPTS.toSorted());
  assert.deepEqual(second.toSorted(), PROMPTS.toSorted());
  assert.notDeepEqual(first, second);
});

Deno.test("the prompts differ, also in length", () => {
  assert.equal(new Set(PROMPTS).size, 64);
  const lengths = PROMPTS.map((prompt) => prompt.length);
  assert.ok(Math.max(...lengths) > 10 * Math.min(...lengths), `lengths ${lengths}`);
});

function take(count: number, seed: number): string[] {
  return naturalPrompts(randomStream(seed, "test")).take(count).toArray();
}
