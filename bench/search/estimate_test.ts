import assert from "node:assert/strict";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { firstLook } from "./estimate.ts";

Deno.test("a first look counts good answers over the time they took, and the faster ones' latency", () => {
  const samples = Array.from(
    { length: 100 },
    (_, at) => sampleOf({ intendedAt: at * 10, sentAt: at * 10, endedAt: at * 10 + (at < 20 ? 50 : 1010) }),
  );
  const look = firstLook([...samples, sampleOf({ outcome: "interrupted", endedAt: 9e9 })]);
  assert.deepEqual(look, { rate: 50, latencyMs: 50 });
});

Deno.test("without a good answer there is nothing to go by", () => {
  assert.equal(firstLook([sampleOf({ outcome: "failed" })]), null);
});
