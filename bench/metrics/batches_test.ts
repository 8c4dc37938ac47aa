import assert from "node:assert/strict";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { batchesOf } from "./batches.ts";

const batch = (round: number, id: number, size: number, reason = "full") =>
  Array.from(
    { length: size },
    () => sampleOf({ round, dispatch: { id, size, reason, queueWaitMs: 4, lateMs: 0, attempts: 1 } }),
  );

Deno.test("each batch counts once, however many requests it had", () => {
  assert.deepEqual(batchesOf([...batch(0, 1, 1, "window"), ...batch(0, 2, 1, "window"), ...batch(0, 3, 7)]), {
    count: 3,
    meanSize: 3,
    sizes: { 1: 2, 7: 1 },
    reasons: { window: 2, full: 1 },
  });
});

Deno.test("an engine that was started anew counts its batches anew", () => {
  assert.equal(batchesOf([...batch(0, 1, 2), ...batch(1, 1, 4)])?.meanSize, 3);
});

Deno.test("an engine that tells nothing has no batches", () => {
  assert.equal(batchesOf([sampleOf({})]), null);
});
