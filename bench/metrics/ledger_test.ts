import assert from "node:assert/strict";
import fc from "fast-check";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { batchesOf, batchFigures, phasesOf } from "./ledger.ts";

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

const batch = (round: number, id: number, size: number, reason = "full") =>
  Array.from(
    { length: size },
    () => sampleOf({ round, dispatch: { id, size, reason, queueWaitMs: 4, lateMs: 0, attempts: 1 } }),
  );

Deno.test("each batch counts once, however many requests it had", () => {
  assert.deepEqual(
    batchFigures([...batch(0, 1, 1, "window"), ...batch(0, 2, 1, "window"), ...batch(0, 3, 7)]),
    {
      count: 3,
      meanSize: 3,
      sizes: { 1: 2, 7: 1 },
      reasons: { window: 2, full: 1 },
    },
  );
});

Deno.test("an engine that was started anew counts its batches anew", () => {
  assert.equal(batchFigures([...batch(0, 1, 2), ...batch(1, 1, 4)])?.meanSize, 3);
});

Deno.test("an engine that tells nothing has no batches", () => {
  assert.equal(batchFigures([sampleOf({})]), null);
});

const timing = {
  acceptMs: 1,
  queueMs: 20,
  batchMs: 30,
  dispatchMs: 2,
  prefillMs: 100,
  decodeMs: 700,
  replyMs: 3,
};

Deno.test("client latency is lateness, network with accepting, the ledger, and what that leaves", () => {
  const request = sampleOf({ intendedAt: 0, sentAt: 10, endedAt: 1000, engineMs: 856, timing });
  assert.deepEqual(phasesOf([request]), {
    generatorMs: 10,
    networkMs: 135,
    queueMs: 20,
    batchMs: 30,
    dispatchMs: 2,
    prefillMs: 100,
    decodeMs: 700,
    replyMs: 3,
    residualMs: 0,
    samples: 1,
  });
});

Deno.test("a ledger that doesn't add up leaves a residual", () => {
  const request = sampleOf({ engineMs: 900, timing });
  assert.equal(phasesOf([request])?.residualMs, 900 - 856);
});

Deno.test("failures and requests without a ledger are not in the means", () => {
  const request = sampleOf({ engineMs: 856, timing });
  assert.equal(phasesOf([request, sampleOf({}), { ...request, outcome: "failed" }])?.samples, 1);
  assert.equal(phasesOf([sampleOf({})]), null);
  assert.equal(phasesOf([]), null);
});

Deno.test("the parts and the residual together are the mean E2E latency", () => {
  const ms = fc.double({ min: 0, max: 1e5, noNaN: true });
  const request = fc.record({
    lateMs: ms,
    e2eMs: ms,
    engineMs: ms,
    timing: fc.record({
      acceptMs: ms,
      queueMs: ms,
      batchMs: ms,
      dispatchMs: ms,
      prefillMs: ms,
      decodeMs: ms,
      replyMs: ms,
    }),
  });
  fc.assert(fc.property(fc.array(request, { minLength: 1, maxLength: 20 }), (requests) => {
    const { samples: _, ...parts } = phasesOf(
      requests.map(({ lateMs, e2eMs, engineMs, timing }) =>
        sampleOf({ intendedAt: 0, sentAt: lateMs, endedAt: e2eMs, engineMs, timing })
      ),
    )!;
    const mean = requests.reduce((sum, { e2eMs }) => sum + e2eMs, 0) / requests.length;
    const together = Object.values(parts).reduce((sum, part) => sum + part, 0);
    assert.ok(Math.abs(together - mean) < 1e-6, `${together} ${mean}`);
  }));
});
