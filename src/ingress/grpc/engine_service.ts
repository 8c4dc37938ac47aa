import { Metadata, type ServerErrorResponse, type ServerUnaryCall } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import type { EventEmitter } from "node:events";
import { now } from "../clock.ts";
import type { Settings } from "../config.ts";
import { type ErrorCode, messageOf, OmnispanError } from "../errors.ts";
import type { EngineHandlers } from "../grpc/generated/omnispan/Engine.ts";
import type { GenerateReply } from "../grpc/generated/omnispan/GenerateReply.ts";
import type { GenerateRequest__Output } from "../grpc/generated/omnispan/GenerateRequest.ts";
import type { StatsReply } from "../grpc/generated/omnispan/StatsReply.ts";
import { GRPC_STATUS } from "../grpc/status.ts";
import type { SchedulerHandle } from "../scheduler/handle.ts";
import type { Answer, Millis, Submission } from "../types.ts";
import { ChunkStream, type StreamCall } from "./chunk_stream.ts";
import { toGenerateReply } from "./reply.ts";
import { MAX_ID_LENGTH, validate } from "./validate.ts";

const log = getLogger(["omnispan", "ingress"]);

type GenerateCall = ServerUnaryCall<GenerateRequest__Output, GenerateReply>;

/** What the engine knows of the worker that it keeps running by itself. */
export interface Supervision {
  readonly restarts: number;
  /** Why it does not serve; empty while it does. */
  readonly problem: string;
}

/** `omnispan.Engine` on top of the scheduler. */
export function engineService(
  settings: Settings,
  scheduler: SchedulerHandle,
  supervision: Supervision,
): EngineHandlers {
  const startedAt = now();
  const mode = settings.ENGINE_MODE;

  async function submitGenerate(call: GenerateCall, requestId: string): Promise<GenerateReply> {
    const submission = accept(call, requestId, false);
    const answer = await scheduler.submit(submission, callerOf(call).signal);
    const reply = toGenerateReply(submission, answer, mode, now());
    report(submission, answer, reply.endToEndLatencyMs);
    return reply;
  }

  async function submitGenerateStream(call: StreamCall, requestId: string): Promise<void> {
    const submission = accept(call, requestId, true);
    const caller = callerOf(call);
    const chunks = new ChunkStream(
      call,
      submission,
      settings.STREAM_BUFFER_BYTES,
      (why) => caller.abort(why),
    );
    const answer = await scheduler.submit(submission, caller.signal, (delta) => chunks.push(delta));
    const { endToEndLatencyMs } = chunks.end(answer, mode);
    report(submission, answer, endToEndLatencyMs);
  }

  function accept(call: GenerateCall | StreamCall, requestId: string, stream: boolean): Submission {
    const receivedAt = now();
    const reception = { receivedAt, deadline: deadlineOf(call, receivedAt), stream };
    return validate({ ...call.request, requestId }, settings, reception);
  }

  function report({ requestId }: Submission, { reply }: Answer, endToEndLatencyMs: unknown): void {
    const { status, errorMessage } = reply;
    if (status === "ok") {
      log.debug("request {requestId} ended: {status}", { requestId, mode, status, endToEndLatencyMs });
    } else {
      log.warn("request {requestId} failed: {status}: {errorMessage}", {
        requestId,
        mode,
        status,
        errorMessage,
      });
    }
  }

  /** A refusal as gRPC carries it; when to try again goes in gRPC's own trailer for it. */
  function refusal(requestId: string, thrown: unknown): Partial<ServerErrorResponse> {
    const code = codeOf(thrown);
    const message = messageOf(thrown);
    log[code === "internal" ? "error" : "info"]("request {requestId} refused, {code}: {message}", {
      requestId: requestId.slice(0, MAX_ID_LENGTH),
      mode,
      code,
      message,
    });
    const metadata = new Metadata();
    if (thrown instanceof OmnispanError && thrown.retryAfterMs !== undefined) {
      metadata.set("grpc-retry-pushback-ms", String(thrown.retryAfterMs));
    }
    return { code: GRPC_STATUS[code], details: message, metadata };
  }

  async function getEngineStats(): Promise<StatsReply> {
    const { accepted, settled, refused, retried, inFlight, ...stats } = await scheduler.stats();
    const { state, detail, identity, load } = scheduler.worker;
    return {
      uptimeSeconds: Math.floor((now() - startedAt) / 1000),
      acceptedRequests: accepted,
      queueDepth: stats.queueDepth,
      mode,
      inFlight,
      settledRequests: settled,
      refusedRequests: refused,
      dispatches: stats.dispatches,
      dispatchedRequests: stats.dispatchedRequests,
      workerState: state,
      queuedBytes: stats.queuedBytes,
      retriedRequests: retried,
      workerRestarts: supervision.restarts,
      workerDetail: [detail, supervision.problem].filter(Boolean).join("; "),
      worker: identity ? { ...identity, capabilities: [...identity.capabilities] } : null,
      load: load ?? null,
    };
  }

  return {
    SubmitGenerate(call, callback) {
      const requestId = call.request.requestId || crypto.randomUUID();
      submitGenerate(call, requestId).then(
        (reply) => callback(null, reply),
        (thrown) => callback(refusal(requestId, thrown)),
      );
    },
    SubmitGenerateStream(call) {
      const requestId = call.request.requestId || crypto.randomUUID();
      submitGenerateStream(call, requestId).catch((thrown) => call.emit("error", refusal(requestId, thrown)));
    },
    GetEngineStats(_call, callback) {
      getEngineStats().then(
        (stats) => callback(null, stats),
        (thrown) => callback({ code: GRPC_STATUS[codeOf(thrown)], details: messageOf(thrown) }),
      );
    },
  };
}

function codeOf(thrown: unknown): ErrorCode {
  return thrown instanceof OmnispanError ? thrown.code : "internal";
}

/** The caller's deadline on the engine's clock. */
function deadlineOf(call: GenerateCall | StreamCall, receivedAt: Millis): Millis | undefined {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? receivedAt + (deadline - Date.now()) : undefined;
}

/** Fires when the caller goes away. grpc-js emits "cancelled" after every call, so a given reason saves making one. */
function callerOf(call: EventEmitter): AbortController {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort(CALLER_GONE));
  return controller;
}

const CALLER_GONE = new OmnispanError("cancelled", "the caller went away");
