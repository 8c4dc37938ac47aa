import assert from "node:assert/strict";
import { randomStream } from "./random.ts";
import { drawWords, WORDS } from "./words.ts";

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
