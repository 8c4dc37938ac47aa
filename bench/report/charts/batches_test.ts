import assert from "node:assert/strict";
import { sampleOf } from "../../../tests/support/bench/sample.ts";
import { batchesOf } from "../../metrics/ledger.ts";
import { reasonLegend } from "./batches.ts";

const dispatch = { id: 7, size: 2, reason: "full", queueWaitMs: 30, lateMs: 0, attempts: 1 };

Deno.test("known reasons come first, whatever came first", () => {
  const batches = ["other", "window", "full"].map((reason, id) =>
    sampleOf({ dispatch: { ...dispatch, id, reason } })
  );
  assert.deepEqual(reasonLegend(batchesOf(batches)).labels, ["full", "window", "other"]);
});
