import assert from "node:assert/strict";
import { type Answer, failedReply } from "../types.ts";
import { toGenerateReply } from "./reply.ts";

const SUBMISSION = { requestId: "r", tenantId: "t", prompt: "p", maxTokens: 1, receivedAt: 1000 };
const ANSWER: Answer = {
  reply: { ...failedReply("worker_timeout", ""), status: "ok", responseText: "text" },
  dispatch: { id: 3, size: 2, reason: "full", queueWaitMs: 12.3449, lateMs: 0.5 },
};

Deno.test("a queue's wait stands in the status with two decimals, in direct mode not at all", () => {
  assert.equal(toGenerateReply(SUBMISSION, ANSWER, "micro_batch", 1050).status, "ok queue_wait_ms=12.34");
  assert.equal(toGenerateReply(SUBMISSION, ANSWER, "queued", 1050).status, "ok queue_wait_ms=12.34");
  assert.equal(toGenerateReply(SUBMISSION, ANSWER, "direct", 1050).status, "ok");
});

Deno.test("ids are echoed and the end-to-end time counts from receive to reply", () => {
  const reply = toGenerateReply(SUBMISSION, ANSWER, "micro_batch", 1050.25);
  assert.equal(reply.requestId, "r");
  assert.equal(reply.tenantId, "t");
  assert.equal(reply.endToEndLatencyMs, 50.25);
  assert.equal(reply.dispatch?.reason, "DISPATCH_REASON_FULL");
});

Deno.test("a failure is its bare status with the message beside it", () => {
  const answer = { ...ANSWER, reply: failedReply("worker_unavailable", "connection refused") };
  const reply = toGenerateReply(SUBMISSION, answer, "micro_batch", 1050);
  assert.equal(reply.status, "worker_unavailable");
  assert.equal(reply.errorMessage, "connection refused");
});
