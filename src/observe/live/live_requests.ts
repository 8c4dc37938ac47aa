import type { Millis } from "../../core/types.ts";
import type { LiveRequest } from "./live_types.ts";
import type { OpenRequest } from "../observer.ts";
import { hundredths } from "./words.ts";

const MOST = 100;

/** The first of these requests, as the live page shows them. */
export function liveRequests(open: Iterable<OpenRequest>, now: Millis): LiveRequest[] {
  const told: LiveRequest[] = [];
  for (const request of open) {
    if (told.push(liveRequest(request, now)) === MOST) break;
  }
  return told;
}

function liveRequest(request: OpenRequest, now: Millis): LiveRequest {
  const { transport, mode, submission, dispatch, tokens } = request;
  const { requestId, tenantId, stream, receivedAt, maxTokens } = submission;
  return {
    requestId,
    tenantId,
    door: transport,
    mode,
    stream,
    phase: phaseOf(request),
    ageMs: hundredths(Math.max(0, now - receivedAt)),
    waitedMs: hundredths(Math.max(0, (dispatch?.at ?? now) - receivedAt)),
    maxTokens,
    tokens,
  };
}

function phaseOf({ dispatch, submission, firstTokenAt }: OpenRequest): LiveRequest["phase"] {
  if (!dispatch) return "queued";
  if (!submission.stream) return "running";
  return firstTokenAt === undefined ? "prefill" : "decode";
}
