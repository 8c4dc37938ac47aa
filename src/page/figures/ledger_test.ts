import assert from "node:assert/strict";
import { ledgerOf } from "./ledger.ts";

Deno.test("a ledger's parts stand in the order of time, and make a whole", () => {
  const parts = ledgerOf({ reply_ms: 1, decode_ms: 60, queue_ms: 19, prefill_ms: 20, more_ms: 5 });
  assert.deepEqual(parts.map(({ name }) => name), [
    "accept",
    "queue",
    "batch",
    "dispatch",
    "prefill",
    "decode",
    "reply",
  ]);
  assert.deepEqual(parts.map(({ part }) => part), [0, 0.19, 0, 0, 0.2, 0.6, 0.01]);
});

Deno.test("without any time there is no ledger", () => {
  assert.deepEqual(ledgerOf({ queue_ms: 0 }), []);
});
