/** The worker's messages, as the engine's own types and back. */
import type { WorkerGenerateReply__Output } from "../grpc/generated/omnispan/WorkerGenerateReply.ts";
import type { WorkerGenerateRequest } from "../grpc/generated/omnispan/WorkerGenerateRequest.ts";
import type { DispatchMember } from "../core/events.ts";
import { type AddressedReply, failedReply, type Millis, WORKER_FAILURES } from "../core/types.ts";

/**
 * The doors let no other text in, but protobuf would write half of a surrogate pair as well, and the message of a whole
 * group could not be read.
 */
export function isUnicode({ wireId, submission }: DispatchMember): boolean {
  const { tenantId, prompt, messages = [], options } = submission;
  const texts = [wireId, tenantId, prompt, ...options?.stop ?? []];
  for (const { role, content } of messages) texts.push(role, content);
  return texts.every((text) => text.isWellFormed());
}

export function toWorkerRequest({ wireId, submission, remainingMs }: DispatchMember): WorkerGenerateRequest {
  const { tenantId, prompt, promptTokens, messages, rawPrompt, maxTokens, receivedAt, options, traceparent } =
    submission;
  return {
    requestId: wireId,
    tenantId,
    prompt,
    maxTokens,
    submittedAtMs: Math.floor(receivedAt),
    timeoutMs: remainingMs === undefined ? 0 : wholeMillis(remainingMs),
    ...(options && { ...options, stop: [...options.stop] }),
    ...(messages && { messages: [...messages] }),
    ...(promptTokens && { promptTokens: [...promptTokens] }),
    ...(rawPrompt && { rawPrompt }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** At least 1, for 0 means no limit on the wire; at most what the field holds. */
function wholeMillis(ms: Millis): number {
  return Math.min(Math.max(1, Math.floor(ms)), 2 ** 32 - 1);
}

/** What a reply and a last chunk share. */
export type ReplyMessage = Omit<WorkerGenerateReply__Output, "tenantId" | "responseText">;

/** `wireId` and `responseText` stand apart, for a last chunk carries neither in this place. */
export function toReply(message: ReplyMessage, responseText: string): AddressedReply {
  const status = statusOf(message.status);
  if (!status) {
    const why = `the worker answered with an unknown status ${JSON.stringify(message.status)}`;
    return { wireId: message.requestId, ...failedReply("worker_internal_error", why) };
  }
  return {
    wireId: message.requestId,
    status,
    errorMessage: message.errorMessage || (status === "ok" ? "" : "the worker did not say why"),
    responseText,
    finishReason: message.finishReason,
    inputTokens: message.inputTokens,
    outputTokens: message.outputTokens,
    workerLatencyMs: message.workerLatencyMs,
    ttftMs: message.ttftMs,
    tpotMs: message.tpotMs,
    ...(message.badRequest && status !== "ok" && { badRequest: true }),
  };
}

function statusOf(text: string): AddressedReply["status"] | undefined {
  if (text === "ok" || text.startsWith("ok ")) return "ok";
  return WORKER_FAILURES.find((failure) => failure === text);
}
