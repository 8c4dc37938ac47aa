import assert from "node:assert/strict";
import { nextBackoff } from "./backoff.ts";

Deno.test("waits between restarts double from half a second to ten", () => {
  const waits: number[] = [];
  for (let wait: number | undefined; waits.length < 7;) waits.push(wait = nextBackoff(wait, 0));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

Deno.test("a worker that served for a while starts again soon", () => {
  assert.equal(nextBackoff(10_000, 29_999), 10_000);
  assert.equal(nextBackoff(10_000, 30_000), 500);
});
