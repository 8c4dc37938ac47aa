import { failedReply, type Submission, type WorkerReply, type WorkerResult } from "./types.ts";
import type { Run } from "./run.ts";

/** The reply if it is this request's own and whole, else the failure that stands in for it. */
export function checkedReply(
  { reply, streamed = reply.outputTokens }: WorkerResult,
  { wireId, tokens }: Pick<Run, "wireId" | "tokens">,
  { stream }: Submission,
): WorkerReply {
  if (reply.wireId !== wireId) {
    return failedReply("worker_internal_error", "the worker's answer carries the id of another request");
  }
  if (stream && reply.status === "ok" && streamed !== tokens) {
    const message = `the worker's stream was not whole: ${tokens} of ${streamed} tokens came`;
    return failedReply("worker_internal_error", message);
  }
  return reply;
}
