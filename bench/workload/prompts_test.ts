import assert from "node:assert/strict";
import { drawWords, naturalPrompts, PROMPTS, WORDS } from "./prompts.ts";
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

Deno.test("the list has 512 different words of small letters", () => {
  assert.equal(WORDS.length, 512);
  assert.equal(new Set(WORDS).size, 512);
  assert.deepEqual(WORDS.filter((word) => !/^[a-z]+$/.test(word)), []);
});

Deno.test("words are drawn evenly, as many as are asked for", () => {
  assert.deepEqual(drawWords(0, randomStream(1, "test")), []);
  const counts = new Map<string, number>();
  for (const word of drawWords(102_400, randomStream(1, "test"))) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  assert.equal(counts.size, 512);
  for (const [word, count] of counts) {
    assert.ok(count > 120 && count < 290, `${word}: ${count}, 200 expected`);
  }
});

function take(count: number, seed: number): string[] {
  return naturalPrompts(randomStream(seed, "test")).take(count).toArray();
}
