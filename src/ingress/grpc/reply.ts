import type { Dispatch } from "../../grpc/generated/omnispan/Dispatch.ts";
import type { DispatchReason__Output } from "../../grpc/generated/omnispan/DispatchReason.ts";
import type { GenerateChunk } from "../../grpc/generated/omnispan/GenerateChunk.ts";
import type { GenerateReply } from "../../grpc/generated/omnispan/GenerateReply.ts";
import type { Timing } from "../../grpc/generated/omnispan/Timing.ts";
import type { Answer, DispatchReason, DispatchRecord, Millis, Mode, Submission } from "../../core/types.ts";
import { ledger } from "../../core/ledger.ts";

const REASONS = {
  direct: "DISPATCH_REASON_DIRECT",
  slot: "DISPATCH_REASON_SLOT",
  full: "DISPATCH_REASON_FULL",
  window: "DISPATCH_REASON_WINDOW",
  idle: "DISPATCH_REASON_IDLE",
  gate: "DISPATCH_REASON_GATE",
} as const satisfies Record<DispatchReason, DispatchReason__Output>;

/** The answer as the client reads it, `sentAt` being the moment it leaves. */
export function toGenerateReply(
  submission: Submission,
  answer: Answer,
  mode: Mode,
  sentAt: Millis,
): GenerateReply {
  return {
    ...ending(submission, answer, sentAt),
    responseText: answer.reply.responseText,
    status: statusText(answer, mode),
  };
}

/** The last chunk of a stream; `firstChunkAt` is undefined when there was no other. Clients compare its status with "ok". */
export function toLastChunk(
  submission: Submission,
  answer: Answer,
  sentAt: Millis,
  { firstChunkAt = sentAt, tokens }: { readonly firstChunkAt: Millis | undefined; readonly tokens: number },
): GenerateChunk {
  return {
    ...ending(submission, answer, sentAt),
    status: answer.reply.status,
    finished: true,
    tokenIndex: tokens,
    engineTtftMs: firstChunkAt - submission.receivedAt,
    gateWaitMs: answer.dispatch?.queueWaitMs ?? answer.phases.dispatchedAt - submission.receivedAt,
  };
}

/** What both kinds of reply end with. */
function ending(
  submission: Submission,
  answer: Answer,
  sentAt: Millis,
): Omit<GenerateReply, "responseText" | "status"> {
  const { reply, dispatch } = answer;
  return {
    requestId: submission.requestId,
    tenantId: submission.tenantId,
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    workerLatencyMs: reply.workerLatencyMs,
    endToEndLatencyMs: sentAt - submission.receivedAt,
    errorMessage: reply.errorMessage,
    ttftMs: reply.ttftMs,
    tpotMs: reply.tpotMs,
    finishReason: reply.finishReason,
    dispatch: dispatch ? toDispatch(dispatch) : null,
    timing: toTiming(submission.receivedAt, answer, sentAt),
  };
}

/**
 * The status of a unary reply, which clients split on `queue_wait_ms=`; the modes that let requests through as they
 * come have no such part.
 */
function statusText({ reply: { status }, dispatch }: Answer, mode: Mode): string {
  if (status !== "ok" || !dispatch || mode === "direct" || mode === "continuous") return status;
  return `ok queue_wait_ms=${dispatch.queueWaitMs.toFixed(2)}`;
}

function toDispatch(dispatch: DispatchRecord): Dispatch {
  return { ...dispatch, reason: REASONS[dispatch.reason] };
}

function toTiming(receivedAt: Millis, answer: Answer, sentAt: Millis): Timing {
  const parts = ledger(receivedAt, answer, sentAt);
  return {
    acceptMs: parts.accept,
    queueMs: parts.queue,
    batchMs: parts.batch,
    dispatchMs: parts.dispatch,
    prefillMs: parts.prefill,
    decodeMs: parts.decode,
    replyMs: parts.reply,
  };
}
