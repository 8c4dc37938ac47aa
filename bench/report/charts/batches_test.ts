import assert from "node:assert/strict";
import { sampleOf } from "../../../tests/support/bench/sample.ts";
import { batchesOf, reasonLegend } from "./batches.ts";

const dispatch = { id: 7, size: 2, reason: "full", queueWaitMs: 30, lateMs: 0, attempts: 1 };

Deno.test("a batch goes from its first request's instant over the dispatch to its last answer", () => {
  const first = sampleOf({ intendedAt: 1000, sentAt: 1000, endedAt: 1102, engineMs: 100, dispatch });
  const second = sampleOf({
    intendedAt: 1020,
    sentAt: 1020,
    endedAt: 1202,
    engineMs: 180,
    dispatch: { ...dispatch, queueWaitMs: 10 },
  });
  assert.deepEqual(batchesOf([second, first]), [
    { id: 7, size: 2, reason: "full", round: 0, firstAt: 1000, dispatchedAt: 1031, endedAt: 1202 },
  ]);
});

Deno.test("a number names a batch within its round only, as an engine that was started again counts anew", () => {
  const rounds = [0, 1].map((round) => sampleOf({ round, intendedAt: 1000 + round, dispatch }));
  assert.deepEqual(batchesOf(rounds).map(({ id, round }) => [id, round]), [[7, 0], [7, 1]]);
});

Deno.test("requests of which the engine says nothing are in no batch", () => {
  assert.deepEqual(batchesOf([sampleOf({ dispatch: null })]), []);
});

Deno.test("known reasons come first, whatever came first", () => {
  const batches = ["other", "window", "full"].map((reason, id) =>
    sampleOf({ dispatch: { ...dispatch, id, reason } })
  );
  assert.deepEqual(reasonLegend(batchesOf(batches)).labels, ["full", "window", "other"]);
});
