/** Requests as the ingress shows them to observers, for tests. */
import { ledgerOf } from "../../src/core/ledger.ts";
import type { Answer, Dispatch, DispatchReason, Millis, Mode, PhaseInstants } from "../../src/core/types.ts";
import type { EndStatus, OpenRequest, RequestEnd } from "../../src/observe/observer.ts";

export interface Told {
  readonly ticket?: number;
  readonly mode?: Mode;
  readonly tenantId?: string;
  readonly receivedAt?: Millis;
  readonly stream?: boolean;
  readonly transport?: "grpc" | "http";
}

export function openRequest(
  { ticket = 1, mode = "micro_batch", tenantId = "", receivedAt = 1000, stream = true, transport = "http" }:
    Told = {},
): OpenRequest {
  return {
    ticket,
    transport,
    mode,
    submission: {
      requestId: `request-${ticket}`,
      tenantId,
      prompt: "a prompt",
      promptBytes: 8,
      maxTokens: 64,
      stream,
      receivedAt,
    },
    dispatch: undefined,
    firstTokenAt: undefined,
    tokens: 0,
    trace: undefined,
  };
}

export function notice(
  { id = 1, mode = "micro_batch", reason = "window", lateMs = 0.4, at = 1010, tickets = [1] }: {
    readonly id?: number;
    readonly mode?: Mode;
    readonly reason?: DispatchReason;
    readonly lateMs?: Millis;
    readonly at?: Millis;
    readonly tickets?: readonly number[];
  } = {},
): Dispatch {
  return { id, worker: 0, mode, reason, lateMs, at, tickets };
}

/** 2 ms until a place is free, 8 ms in the window, 50 ms to the first token, 10 ms for each of 10 more, 1 ms back. */
export function answer(
  { status = "ok", outputTokens = 11, receivedAt = 1000, phases = {} }: {
    readonly status?: Answer["reply"]["status"];
    readonly outputTokens?: number;
    readonly receivedAt?: Millis;
    readonly phases?: Partial<PhaseInstants>;
  } = {},
): Answer {
  return {
    reply: {
      status,
      errorMessage: status === "ok" ? "" : "it failed",
      responseText: "",
      finishReason: "length",
      inputTokens: 7,
      outputTokens,
      workerLatencyMs: 149,
      ttftMs: 45,
      tpotMs: 10,
    },
    attempts: 1,
    phases: {
      queuedAt: receivedAt + 1,
      placeAt: receivedAt + 2,
      dispatchedAt: receivedAt + 10,
      firstTokenAt: receivedAt + 60,
      lastTokenAt: receivedAt + 160,
      ...phases,
    },
  };
}

/** The end of a request, with the answer above where its status can have one. */
export function end(request: OpenRequest, status: EndStatus = "ok", given?: Answer): RequestEnd {
  const { transport, mode, submission: { tenantId, receivedAt } } = request;
  const ended = given ?? (status === "ok" ? answer({ receivedAt }) : undefined);
  return {
    transport,
    mode,
    tenantId,
    status,
    receivedAt,
    endedAt: receivedAt + 161,
    outputTokens: Math.max(ended?.reply.outputTokens ?? 0, request.tokens),
    request,
    answer: ended,
    dispatch: ended && (request.dispatch ?? notice({ tickets: [request.ticket], at: receivedAt + 10 })),
    ledger: ended && ledgerOf(receivedAt, ended, receivedAt + 161),
    trace: undefined,
  };
}

/** The end of one that the scheduler never had. */
export function turnedAway(status: EndStatus, tenantId = ""): RequestEnd {
  return {
    transport: "http",
    mode: "micro_batch",
    tenantId,
    status,
    receivedAt: 1000,
    endedAt: 1001,
    outputTokens: 0,
    request: undefined,
    answer: undefined,
    dispatch: undefined,
    ledger: undefined,
    trace: undefined,
  };
}
