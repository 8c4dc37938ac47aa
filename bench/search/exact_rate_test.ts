import assert from "node:assert/strict";
import type { ScheduledRequest } from "../record/sample.ts";
import { atExactRate } from "./exact_rate.ts";

Deno.test("the instants are stretched to just the rate, and the last request only marks the end", () => {
  const stretched = atExactRate([at(0, 30), at(1, 50), at(2, 100)], 4);
  assert.deepEqual(stretched.map(({ index, atMs }) => [index, atMs]), [[0, 150], [1, 250]]);
});

Deno.test("without instants there is nothing to stretch", () => {
  assert.deepEqual(atExactRate([], 4), []);
  assert.deepEqual(atExactRate([at(0, 0), at(1, 0)], 4), [at(0, 0)]);
});

function at(index: number, atMs: number): ScheduledRequest {
  return { index, atMs, class: "default", tenant: "bench", prompt: "", maxTokens: 1, exactOutput: false };
}
