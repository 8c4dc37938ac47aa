import assert from "node:assert/strict";
import { ledgerOf } from "../../core/ledger.ts";
import {
  type Answer,
  type Dispatch,
  failedReply,
  type Millis,
  type Mode,
  type Submission,
} from "../../core/types.ts";
import type { AnsweredEnd } from "../../observe/observer.ts";
import { toGenerateReply, toLastChunk } from "./reply.ts";

const SUBMISSION: Submission = {
  requestId: "r",
  tenantId: "t",
  prompt: "p",
  promptBytes: 1,
  maxTokens: 1,
  stream: false,
  receivedAt: 1000,
};
const ANSWER: Answer = {
  reply: {
    ...failedReply("worker_timeout", ""),
    status: "ok",
    responseText: "text",
    workerLatencyMs: 20,
    ttftMs: 5,
  },
  attempts: 1,
  phases: { queuedAt: 1001, placeAt: 1004, dispatchedAt: 1012.3449, firstTokenAt: 1020, lastTokenAt: 1035 },
};

function end(mode: Mode = "micro_batch", sentAt: Millis = 1050, answer: Answer = ANSWER): AnsweredEnd {
  const dispatch: Dispatch = {
    id: 3,
    worker: 0,
    mode,
    reason: "full",
    lateMs: 0.5,
    at: ANSWER.phases.dispatchedAt,
    tickets: [1, 2],
  };
  const { receivedAt, tenantId } = SUBMISSION;
  const request = {
    ticket: 1,
    transport: "grpc",
    mode,
    submission: SUBMISSION,
    dispatch,
    firstTokenAt: undefined,
    tokens: 0,
    trace: undefined,
  } as const;
  return {
    transport: "grpc",
    mode,
    tenantId,
    status: answer.reply.status,
    receivedAt,
    endedAt: sentAt,
    outputTokens: 0,
    request,
    answer,
    dispatch,
    ledger: ledgerOf(receivedAt, answer, sentAt),
    trace: undefined,
  };
}

Deno.test("a queue's wait stands in the status with two decimals, in direct and continuous mode not at all", () => {
  assert.equal(toGenerateReply(end("micro_batch", 1050)).status, "ok queue_wait_ms=12.34");
  assert.equal(toGenerateReply(end("queued", 1050)).status, "ok queue_wait_ms=12.34");
  assert.equal(toGenerateReply(end("direct", 1050)).status, "ok");
  assert.equal(toGenerateReply(end("continuous", 1050)).status, "ok");
});

Deno.test("ids are echoed and the end-to-end time counts from receive to reply", () => {
  const reply = toGenerateReply(end("micro_batch", 1050.25));
  assert.equal(reply.requestId, "r");
  assert.equal(reply.tenantId, "t");
  assert.equal(reply.endToEndLatencyMs, 50.25);
  assert.equal(reply.dispatch?.reason, "DISPATCH_REASON_FULL");
});

Deno.test("the phases tell where the time went and add up to the end-to-end latency", () => {
  const { timing, endToEndLatencyMs } = toGenerateReply(end("micro_batch", 1050.25));
  const parts = Object.values(timing!) as number[];
  assert.ok(parts.every((part) => part >= 0));
  assert.ok(Math.abs(parts.reduce((sum, part) => sum + part, 0) - Number(endToEndLatencyMs)) < 1e-6);
  assert.deepEqual(
    {
      accept: timing!.acceptMs,
      queue: timing!.queueMs,
      prefill: timing!.prefillMs,
      decode: timing!.decodeMs,
    },
    { accept: 1, queue: 3, prefill: 5, decode: 15 },
  );
});

Deno.test("the last chunk carries the totals without text, and when the first one left", () => {
  const chunk = toLastChunk(end(), { firstChunkAt: 1021, tokens: 7 });
  assert.equal(chunk.finished, true);
  assert.equal(chunk.textDelta ?? "", "");
  assert.equal(chunk.tokenIndex, 7);
  assert.equal(chunk.engineTtftMs, 21);
  assert.ok(Math.abs(Number(chunk.gateWaitMs) - 12.3449) < 1e-6);
});

Deno.test("the last chunk's status is ok and nothing else in every mode; its wait has a field of its own", () => {
  const chunk = toLastChunk(end(), { firstChunkAt: 1021, tokens: 7 });
  assert.equal(chunk.status, "ok");
  const answer = { ...ANSWER, reply: failedReply("worker_unavailable", "connection refused") };
  const failed = toLastChunk(end("direct", 1050, answer), { firstChunkAt: undefined, tokens: 0 });
  assert.equal(failed.status, "worker_unavailable");
});

Deno.test("a failure is its bare status with the message beside it", () => {
  const answer = { ...ANSWER, reply: failedReply("worker_unavailable", "connection refused") };
  const reply = toGenerateReply(end("micro_batch", 1050, answer));
  assert.equal(reply.status, "worker_unavailable");
  assert.equal(reply.errorMessage, "connection refused");
});
