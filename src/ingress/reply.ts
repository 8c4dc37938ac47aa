import type { DispatchReason__Output } from "../grpc/generated/omnispan/DispatchReason.ts";
import type { GenerateReply } from "../grpc/generated/omnispan/GenerateReply.ts";
import type { Answer, DispatchReason, Millis, Mode, Submission } from "../types.ts";

const REASONS = {
  direct: "DISPATCH_REASON_DIRECT",
  slot: "DISPATCH_REASON_SLOT",
  full: "DISPATCH_REASON_FULL",
  window: "DISPATCH_REASON_WINDOW",
  idle: "DISPATCH_REASON_IDLE",
} as const satisfies Record<DispatchReason, DispatchReason__Output>;

/** The answer as the client reads it, `sentAt` being the moment it leaves. */
export function toGenerateReply(
  { requestId, tenantId, receivedAt }: Submission,
  { reply, dispatch }: Answer,
  mode: Mode,
  sentAt: Millis,
): GenerateReply {
  return {
    requestId,
    tenantId,
    responseText: reply.responseText,
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    workerLatencyMs: reply.workerLatencyMs,
    endToEndLatencyMs: sentAt - receivedAt,
    status: statusText(reply.status, mode, dispatch.queueWaitMs),
    errorMessage: reply.errorMessage,
    ttftMs: reply.ttftMs,
    tpotMs: reply.tpotMs,
    dispatch: { ...dispatch, reason: REASONS[dispatch.reason] },
  };
}

/** Clients split a status on `queue_wait_ms=`; direct has no queue and so no such part. */
function statusText(status: string, mode: Mode, queueWaitMs: Millis): string {
  if (status !== "ok" || mode === "direct") return status;
  return `ok queue_wait_ms=${queueWaitMs.toFixed(2)}`;
}
