import { type ServiceError, status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import type { GenerateReply__Output } from "../../src/grpc/generated/omnispan/GenerateReply.ts";
import { resultOf } from "./engine_load.ts";

Deno.test("a reply with an ok status is a success, and the dispatch says how long it waited", () => {
  const dispatch = {
    id: 7,
    size: 3,
    reason: "DISPATCH_REASON_FULL",
    queueWaitMs: 12.345,
    lateMs: 0.5,
    attempts: 2,
  } as const;
  const result = resultOf(null, replyOf({ status: "ok queue_wait_ms=12.35", dispatch }), false);
  assert.equal(result.outcome, "ok");
  assert.equal(result.queueWaitMs, 12.345);
  assert.deepEqual(result.dispatch, { ...dispatch, reason: "full" });
});

Deno.test("the engine's ledger and the worker's own times are taken over", () => {
  const timing = {
    ...{ acceptMs: 1, queueMs: 2, batchMs: 3, dispatchMs: 4, prefillMs: 5, decodeMs: 6, replyMs: 7 },
  };
  const result = resultOf(null, replyOf({ timing }), false);
  assert.deepEqual(result.timing, timing);
  const { engineMs, workerMs, workerTtftMs, workerTpotMs, inputTokens, outputTokens } = result;
  assert.deepEqual([engineMs, workerMs, workerTtftMs, workerTpotMs, inputTokens, outputTokens], [
    ...[100, 90, 11, 12, 5, 9],
  ]);
  assert.equal(resultOf(null, replyOf({}), false).timing, null, "an engine of another make has none");
});

Deno.test("an engine without dispatch still tells its queue wait, in a reply's status or in a stream's gate_wait_ms", () => {
  assert.equal(resultOf(null, replyOf({ status: "ok queue_wait_ms=12.34" }), false).queueWaitMs, 12.34);
  assert.equal(resultOf(null, replyOf({ status: "ok" }), false).queueWaitMs, null);
  assert.equal(resultOf(null, replyOf({ status: "ok queue_wait_ms=soon" }), false).queueWaitMs, null);
  const lastChunk = { ...replyOf({ status: "ok" }), gateWaitMs: 12.34 };
  assert.equal(resultOf(null, lastChunk, false).queueWaitMs, 12.34);
});

Deno.test("a worker's failure is a failure although gRPC says OK", () => {
  const reply = replyOf({ status: "worker_timeout", errorMessage: "took too long" });
  const { outcome, status, errorMessage } = resultOf(null, reply, false);
  assert.deepEqual([outcome, status, errorMessage], ["failed", "worker_timeout", "took too long"]);
});

Deno.test("a refusal is a failure under the name of its gRPC code", () => {
  const error = Object.assign(new Error(), {
    code: Status.RESOURCE_EXHAUSTED,
    details: "full",
  }) as ServiceError;
  const { outcome, status, errorMessage, outputTokens } = resultOf(error, undefined, false);
  assert.deepEqual([outcome, status, errorMessage, outputTokens], [
    "failed",
    "RESOURCE_EXHAUSTED",
    "full",
    0,
  ]);
});

Deno.test("what fails because the run was stopped is interrupted; what was answered before counts", () => {
  const error = Object.assign(new Error(), { code: Status.CANCELLED, details: "" }) as ServiceError;
  assert.equal(resultOf(error, undefined, true).outcome, "interrupted");
  assert.equal(resultOf(null, replyOf({ status: "ok" }), true).outcome, "ok");
});

Deno.test("a text of the sim backend marks the sample as simulated, a text about simulation does not", () => {
  assert.equal(
    resultOf(null, replyOf({ responseText: "simulated-00c0ffee the model" }), false).simulated,
    true,
  );
  assert.equal(resultOf(null, replyOf({ responseText: "simulated-annealing is" }), false).simulated, false);
});

function replyOf(told: Partial<GenerateReply__Output>): GenerateReply__Output {
  return {
    requestId: "bench-0",
    tenantId: "bench",
    responseText: "text",
    inputTokens: 5,
    outputTokens: 9,
    workerLatencyMs: 90,
    endToEndLatencyMs: 100,
    status: "ok",
    errorMessage: "",
    ttftMs: 11,
    tpotMs: 12,
    finishReason: "length",
    dispatch: null,
    timing: null,
    ...told,
  };
}
