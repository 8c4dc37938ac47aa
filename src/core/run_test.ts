import assert from "node:assert/strict";
import fc from "fast-check";
import { failedReply, type WorkerReply } from "./types.ts";
import { phaseInstants } from "./run.ts";

function reply(workerLatencyMs: number, ttftMs: number): WorkerReply {
  return { ...failedReply("worker_internal_error", ""), status: "ok", workerLatencyMs, ttftMs };
}

const RUN = { placeAt: 10, dispatchedAt: 20, firstTokenAt: undefined, progressAt: 20 };

Deno.test("tokens that were seen place the first and the last", () => {
  const run = { ...RUN, firstTokenAt: 30, progressAt: 70 };
  assert.deepEqual(phaseInstants(5, run, reply(60, 9), 80), {
    queuedAt: 5,
    placeAt: 10,
    dispatchedAt: 20,
    firstTokenAt: 30,
    lastTokenAt: 70,
  });
});

Deno.test("of an answer in one piece the worker's own times place the first token", () => {
  const { firstTokenAt, lastTokenAt } = phaseInstants(5, RUN, reply(60, 20), 100);
  assert.deepEqual({ firstTokenAt, lastTokenAt }, { firstTokenAt: 60, lastTokenAt: 100 });
});

Deno.test("a request that was never sent spent all its time in the queue", () => {
  assert.deepEqual(phaseInstants(5, undefined, reply(0, 0), 90), {
    queuedAt: 5,
    placeAt: 90,
    dispatchedAt: 90,
    firstTokenAt: 90,
    lastTokenAt: 90,
  });
});

Deno.test("the instants never fall, whatever times the worker reports", () => {
  const times = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(fc.property(times, times, times, (workerLatencyMs, ttftMs, callMs) => {
    const now = RUN.dispatchedAt + callMs;
    const { queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt } = phaseInstants(
      5,
      RUN,
      reply(workerLatencyMs, ttftMs),
      now,
    );
    const instants = [queuedAt, placeAt, dispatchedAt, firstTokenAt, lastTokenAt, now];
    assert.deepEqual(instants, instants.toSorted((a, b) => a - b));
  }));
});
