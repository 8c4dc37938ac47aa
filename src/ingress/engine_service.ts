import type { ServerUnaryCall, ServerWritableStream } from "@grpc/grpc-js";
import { getLogger } from "@logtape/logtape";
import { now } from "../clock.ts";
import type { Settings } from "../config.ts";
import { messageOf, OmnispanError } from "../errors.ts";
import type { EngineHandlers } from "../grpc/generated/omnispan/Engine.ts";
import type { GenerateChunk } from "../grpc/generated/omnispan/GenerateChunk.ts";
import type { GenerateRequest__Output } from "../grpc/generated/omnispan/GenerateRequest.ts";
import type { GenerateReply } from "../grpc/generated/omnispan/GenerateReply.ts";
import type { StatsReply } from "../grpc/generated/omnispan/StatsReply.ts";
import { GRPC_STATUS } from "../grpc/status.ts";
import type { SchedulerHandle } from "../scheduler/handle.ts";
import type { Millis } from "../types.ts";
import { toGenerateReply } from "./reply.ts";
import { MAX_ID_LENGTH, validate } from "./validate.ts";

const log = getLogger(["omnispan", "ingress"]);

type GenerateCall = ServerUnaryCall<GenerateRequest__Output, GenerateReply>;

/** `omnispan.Engine` on top of the scheduler. */
export function engineService(settings: Settings, scheduler: SchedulerHandle): EngineHandlers {
  const startedAt = now();
  const mode = settings.ENGINE_MODE;

  async function submitGenerate(call: GenerateCall, requestId: string): Promise<GenerateReply> {
    const receivedAt = now();
    const submission = validate(
      { ...call.request, requestId },
      settings,
      receivedAt,
      deadlineOf(call, receivedAt),
    );
    const answer = await scheduler.submit(submission, cancelOf(call));
    const reply = toGenerateReply(submission, answer, mode, now());
    const { status, errorMessage, endToEndLatencyMs } = reply;
    if (answer.reply.status === "ok") {
      log.debug("request {requestId} ended: {status}", { requestId, mode, status, endToEndLatencyMs });
    } else {
      log.warn("request {requestId} failed: {status}: {errorMessage}", {
        requestId,
        mode,
        status,
        errorMessage,
      });
    }
    return reply;
  }

  async function getEngineStats(): Promise<StatsReply> {
    const { accepted, settled, refused, queueDepth, inFlight, dispatches, dispatchedRequests } =
      await scheduler
        .stats();
    return {
      uptimeSeconds: Math.floor((now() - startedAt) / 1000),
      acceptedRequests: accepted,
      queueDepth,
      mode,
      inFlight,
      settledRequests: settled,
      refusedRequests: refused,
      dispatches,
      dispatchedRequests,
      workerState: scheduler.workerState,
    };
  }

  return {
    SubmitGenerate(call, callback) {
      const requestId = call.request.requestId || crypto.randomUUID();
      submitGenerate(call, requestId).then((reply) => callback(null, reply), (thrown) => {
        const code = thrown instanceof OmnispanError ? thrown.code : "internal";
        const message = messageOf(thrown);
        log[code === "internal" ? "error" : "info"]("request {requestId} refused, {code}: {message}", {
          requestId: requestId.slice(0, MAX_ID_LENGTH),
          mode,
          code,
          message,
        });
        callback({ code: GRPC_STATUS[code], details: message });
      });
    },
    GetEngineStats(_call, callback) {
      getEngineStats().then(
        (stats) => callback(null, stats),
        (thrown) => callback({ code: GRPC_STATUS.internal, details: messageOf(thrown) }),
      );
    },
    SubmitGenerateStream(call: ServerWritableStream<GenerateRequest__Output, GenerateChunk>) {
      const details =
        "SubmitGenerateStream is not built yet; SubmitGenerate answers the same request in one piece";
      call.emit("error", { code: GRPC_STATUS.unimplemented, details });
    },
  };
}

/** The caller's deadline on the engine's clock. */
function deadlineOf(call: GenerateCall, receivedAt: Millis): Millis | undefined {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? receivedAt + (deadline - Date.now()) : undefined;
}

/** Fires when the caller goes away. grpc-js emits "cancelled" after every call, so a given reason saves making one. */
function cancelOf(call: GenerateCall): AbortSignal {
  const controller = new AbortController();
  call.on("cancelled", () => controller.abort(CALLER_GONE));
  return controller.signal;
}

const CALLER_GONE = new OmnispanError("cancelled", "the caller went away");
