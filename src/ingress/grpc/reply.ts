import type { Dispatch } from "../../grpc/generated/omnispan/Dispatch.ts";
import type { GenerateChunk } from "../../grpc/generated/omnispan/GenerateChunk.ts";
import type { GenerateReply } from "../../grpc/generated/omnispan/GenerateReply.ts";
import type { Timing } from "../../grpc/generated/omnispan/Timing.ts";
import type { Ledger } from "../../core/ledger.ts";
import { type DispatchReason, modeOf } from "../../core/modes/modes.ts";
import type { Millis } from "../../core/types.ts";
import type { AnsweredEnd } from "../../observe/observer.ts";

/** The reply to a request that is answered in one piece. */
export function toGenerateReply(end: AnsweredEnd): GenerateReply {
  return { ...ending(end), responseText: end.answer.reply.responseText, status: statusText(end) };
}

/** The last chunk of a stream; `firstChunkAt` is undefined when there was no other. Clients compare its status with "ok". */
export function toLastChunk(
  end: AnsweredEnd,
  { firstChunkAt = end.endedAt, tokens }: {
    readonly firstChunkAt: Millis | undefined;
    readonly tokens: number;
  },
): GenerateChunk {
  return {
    ...ending(end),
    status: end.answer.reply.status,
    finished: true,
    tokenIndex: tokens,
    engineTtftMs: firstChunkAt - end.receivedAt,
    gateWaitMs: end.answer.phases.dispatchedAt - end.receivedAt,
  };
}

/** What both kinds of reply end with. */
function ending(end: AnsweredEnd): Omit<GenerateReply, "responseText" | "status"> {
  const { request: { submission }, answer: { reply }, receivedAt, endedAt, ledger } = end;
  return {
    requestId: submission.requestId,
    tenantId: submission.tenantId,
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    workerLatencyMs: reply.workerLatencyMs,
    endToEndLatencyMs: endedAt - receivedAt,
    errorMessage: reply.errorMessage,
    ttftMs: reply.ttftMs,
    tpotMs: reply.tpotMs,
    finishReason: reply.finishReason,
    dispatch: toDispatch(end),
    timing: toTiming(ledger),
  };
}

/** The status of a unary reply, which clients split on `queue_wait_ms=`. */
function statusText(
  { answer: { reply: { status }, phases }, dispatch, receivedAt, mode }: AnsweredEnd,
): string {
  if (status !== "ok" || !dispatch || !modeOf(mode).tellsQueueWait) return status;
  return `ok queue_wait_ms=${(phases.dispatchedAt - receivedAt).toFixed(2)}`;
}

function toDispatch({ dispatch, answer: { attempts }, receivedAt }: AnsweredEnd): Dispatch | null {
  if (!dispatch) return null;
  const { id, tickets, reason, lateMs, at } = dispatch;
  // The contract has a value for each reason of a mode.
  const onWire = `DISPATCH_REASON_${reason.toUpperCase()}` as `DISPATCH_REASON_${Uppercase<DispatchReason>}`;
  return { id, size: tickets.length, reason: onWire, queueWaitMs: at - receivedAt, lateMs, attempts };
}

function toTiming(ledger: Ledger): Timing {
  return {
    acceptMs: ledger.accept,
    queueMs: ledger.queue,
    batchMs: ledger.batch,
    dispatchMs: ledger.dispatch,
    prefillMs: ledger.prefill,
    decodeMs: ledger.decode,
    replyMs: ledger.reply,
  };
}
