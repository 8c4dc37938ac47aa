import { Metadata, type ServerErrorResponse, type ServerUnaryCall } from "@grpc/grpc-js";
import type { EventEmitter } from "node:events";
import type { Caller } from "../../access/api_keys.ts";
import { now } from "../../clock.ts";
import { messageOf, OmnispanError } from "../../core/errors.ts";
import type { EngineHandlers } from "../../grpc/generated/omnispan/Engine.ts";
import type { GenerateReply } from "../../grpc/generated/omnispan/GenerateReply.ts";
import type { StatsReply } from "../../grpc/generated/omnispan/StatsReply.ts";
import { GRPC_STATUS } from "../../grpc/status.ts";
import type { Millis, Supervision, ThreadStats } from "../../core/types.ts";
import { CALLER_GONE } from "../caller_gone.ts";
import { Exchange } from "../exchange.ts";
import type { Ingress } from "../ingress.ts";
import type { Reception } from "../validate.ts";
import { ChunkStream, type StreamCall } from "./chunk_stream.ts";
import type { Received } from "./message_parts.ts";
import { toGenerateReply } from "./reply.ts";

type GenerateCall = ServerUnaryCall<Received, GenerateReply>;

/** `omnispan.Engine` on top of the scheduler. */
export function engineService(
  ingress: Ingress,
  supervision: Supervision,
  statsOf: () => Promise<ThreadStats>,
): EngineHandlers {
  const startedAt = now();
  const { scheduler, settings } = ingress;

  async function submitGenerate(call: GenerateCall, exchange: Exchange): Promise<GenerateReply> {
    exchange.take(decoded(call), receptionOf(call, false));
    return toGenerateReply(await exchange.answer());
  }

  async function submitGenerateStream(call: StreamCall, exchange: Exchange): Promise<void> {
    const submission = exchange.take(decoded(call), receptionOf(call, true));
    const limitBytes = settings.STREAM_BUFFER_BYTES;
    const chunks = new ChunkStream(call, submission, limitBytes, (why) => exchange.leave(why));
    chunks.end(await exchange.answer((delta, { dispatch }) => chunks.push(delta, dispatch!.at)));
  }

  /** Gives the request an id if it has none. */
  function exchangeOf(call: GenerateCall | StreamCall): Exchange {
    const requestId = call.request.requestId ||= crypto.randomUUID();
    const header = (name: string) => call.metadata.get(name)[0]?.toString();
    const incoming = { transport: "grpc", requestId, peer: peerOf(call), at: now(), header } as const;
    const exchange = new Exchange(ingress, incoming);
    (call as EventEmitter).on("cancelled", () => exchange.leave(CALLER_GONE));
    return exchange;
  }

  /** Where the worker is and what its connection said is, with keys, the operator's alone. */
  async function getEngineStats(caller: Caller | undefined): Promise<StatsReply> {
    const { accepted, settled, refused, retried, inFlight, ...stats } = await statsOf();
    const { state, detail, identity, load } = scheduler.worker;
    return {
      uptimeSeconds: Math.floor((now() - startedAt) / 1000),
      acceptedRequests: accepted,
      queueDepth: stats.queueDepth,
      mode: settings.ENGINE_MODE,
      inFlight,
      settledRequests: settled,
      refusedRequests: refused,
      dispatches: stats.dispatches,
      dispatchedRequests: stats.dispatchedRequests,
      workerState: state,
      queuedBytes: stats.queuedBytes,
      retriedRequests: retried,
      workerRestarts: supervision.restarts,
      workerDetail: !caller || caller.operator
        ? [detail, supervision.problem].filter(Boolean).join("; ")
        : "",
      worker: identity ? { ...identity, capabilities: [...identity.capabilities] } : null,
      load: load ?? null,
    };
  }

  return {
    SubmitGenerate(call, callback) {
      const exchange = exchangeOf(call);
      submitGenerate(call, exchange).then(
        (reply) => callback(null, reply),
        (thrown) => callback(refusal(exchange.refused(thrown))),
      );
    },
    SubmitGenerateStream(call) {
      const exchange = exchangeOf(call);
      submitGenerateStream(call, exchange).catch((thrown) =>
        call.emit("error", refusal(exchange.refused(thrown)))
      );
    },
    GetEngineStats(call, callback) {
      const { keys } = ingress;
      Promise.try(() => keys?.identify(call.metadata.get("authorization")[0]?.toString())).then(
        getEngineStats,
      ).then(
        (stats) => callback(null, stats),
        (thrown) => {
          ingress.logRefusedCall(thrown, { transport: "grpc", peer: peerOf(call) });
          callback(refusal(thrown));
        },
      );
    },
  };
}

/** The address alone: its port is another for each connection. */
function peerOf(call: { getPeer(): string }): string {
  return call.getPeer().replace(/:\d+$/, "");
}

/** @throws {OmnispanError} invalid_argument, for a request that was not worth decoding, or could not be */
function decoded({ request }: { readonly request: Received }): Received {
  if (request.refusal) throw request.refusal;
  return request;
}

/** A refusal as gRPC carries it; when to try again goes in gRPC's own trailer for it. */
function refusal(thrown: unknown): Partial<ServerErrorResponse> {
  const metadata = new Metadata();
  if (!(thrown instanceof OmnispanError)) {
    return { code: GRPC_STATUS.internal, details: messageOf(thrown), metadata };
  }
  if (thrown.retryAfterMs !== undefined) metadata.set("grpc-retry-pushback-ms", String(thrown.retryAfterMs));
  return { code: GRPC_STATUS[thrown.code], details: thrown.message, metadata };
}

/** A call's handler hears of it when it has come as a whole. */
function receptionOf(call: GenerateCall | StreamCall, stream: boolean): Reception {
  const receivedAt = now();
  return { receivedAt, deadline: deadlineOf(call, receivedAt), stream };
}

/** The caller's deadline on the engine's clock. */
function deadlineOf(call: GenerateCall | StreamCall, receivedAt: Millis): Millis | undefined {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? receivedAt + (deadline - Date.now()) : undefined;
}
