import assert from "node:assert/strict";
import { nameOfVariant } from "./variants.ts";

Deno.test("a variant is called by its mode and by its settings in one order", () => {
  assert.equal(nameOfVariant({ mode: "continuous", settings: {} }), "continuous");
  const name = "micro_batch BATCH_WINDOW_MS=5 MAX_BATCH_SIZE=16";
  assert.equal(
    nameOfVariant({ mode: "micro_batch", settings: { MAX_BATCH_SIZE: 16, BATCH_WINDOW_MS: 5 } }),
    name,
  );
  assert.equal(
    nameOfVariant({ mode: "micro_batch", settings: { BATCH_WINDOW_MS: 5, MAX_BATCH_SIZE: 16 } }),
    name,
  );
});
