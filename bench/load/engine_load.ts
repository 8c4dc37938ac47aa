import { credentials, type ServiceError, status as Status } from "@grpc/grpc-js";
import { now } from "../src/clock.ts";
import { omnispan } from "../src/grpc/contract.ts";
import type { Dispatch__Output } from "../src/grpc/generated/omnispan/Dispatch.ts";
import type { EngineClient } from "../src/grpc/generated/omnispan/Engine.ts";
import type { GenerateReply__Output } from "../src/grpc/generated/omnispan/GenerateReply.ts";
import type { GenerateRequest } from "../src/grpc/generated/omnispan/GenerateRequest.ts";
import type { StatsReply__Output } from "../src/grpc/generated/omnispan/StatsReply.ts";
import type { Millis } from "../src/types.ts";
import type { Result, SampleDispatch, WorkItem } from "./sample.ts";
import { receive } from "./load_stream.ts";

/** Connections that all clients share, each taking the next in turn: no connection is the bottleneck, none is new. */
export const CONNECTIONS = 4;

/** The load generator's way to an engine: the only part of the lab that knows gRPC. */
export class EngineLoad implements Disposable {
  readonly #connections: EngineClient[];
  #next = 0;

  /** `timeoutMs` is the deadline that each request carries. */
  constructor(address: string, private readonly timeoutMs: Millis) {
    this.#connections = Array.from(
      { length: CONNECTIONS },
      () =>
        new omnispan.Engine(address, credentials.createInsecure(), {
          "grpc.use_local_subchannel_pool": 1, // else grpc-js would make them one
          "grpc.enable_http_proxy": 0, // a web proxy on the way would be measured too, and can't reach this machine
          "grpc.initial_reconnect_backoff_ms": 100,
          "grpc.max_reconnect_backoff_ms": 1000,
          "grpc.max_receive_message_length": -1,
        }),
    );
  }

  /** Sends one request. A failure is a result too, so this never rejects; `stop` ends it at once. */
  send(item: WorkItem, stop: AbortSignal): Promise<Result> {
    if (stop.aborted) return Promise.resolve(INTERRUPTED);
    const { promise, resolve } = Promise.withResolvers<Result>();
    const call = this.#connection().submitGenerate(requestOf(item), this.#options(), (error, reply) => {
      stop.removeEventListener("abort", cancel);
      resolve(resultOf(error, reply, stop.aborted));
    });
    const cancel = () => call.cancel();
    stop.addEventListener("abort", cancel, { once: true });
    return promise;
  }

  /** As `send`, with the answer token by token. */
  async stream(item: WorkItem, stop: AbortSignal): Promise<Result> {
    if (stop.aborted) return INTERRUPTED;
    const sentAt = now();
    const call = this.#connection().submitGenerateStream(requestOf(item), this.#options());
    const cancel = () => call.cancel();
    stop.addEventListener("abort", cancel, { once: true });
    const { tokensAt, text, last, error } = await receive(call);
    stop.removeEventListener("abort", cancel);
    const reply = last && { ...last, responseText: text };
    return { ...resultOf(error ?? null, reply, stop.aborted), tokenMs: tokensAt.map((at) => at - sentAt) };
  }

  /** Asks the engine for its counters. Rejects when it does not answer within `withinMs`. */
  stats(withinMs: Millis): Promise<StatsReply__Output> {
    const { promise, resolve, reject } = Promise.withResolvers<StatsReply__Output>();
    this.#connections[0]!.getEngineStats(
      {},
      { deadline: Date.now() + withinMs },
      (error, reply) => reply ? resolve(reply) : reject(error),
    );
    return promise;
  }

  #connection(): EngineClient {
    return this.#connections[this.#next++ % CONNECTIONS]!;
  }

  #options(): { deadline: Millis } {
    return { deadline: Date.now() + this.timeoutMs };
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }
}

function requestOf({ index, prompt, maxTokens }: WorkItem): GenerateRequest {
  return { requestId: `bench-${index}`, tenantId: "bench", prompt, maxTokens };
}

/** How every answer of the worker's sim backend begins, so that also an engine of `--target` can't hide it. */
const SIMULATED_TEXT = /^simulated-[0-9a-f]{8}\b/;

export function resultOf(
  error: ServiceError | null,
  reply: GenerateReply__Output | undefined,
  stopped: boolean,
): Result {
  if (error || !reply) {
    const name = Status[error?.code ?? Status.UNKNOWN];
    return failure(stopped ? "interrupted" : "failed", name, error?.details ?? "no reply");
  }
  const ok = reply.status === "ok" || reply.status.startsWith("ok ");
  return {
    outcome: ok ? "ok" : stopped ? "interrupted" : "failed",
    status: reply.status,
    errorMessage: reply.errorMessage,
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    engineLatencyMs: reply.endToEndLatencyMs,
    workerLatencyMs: reply.workerLatencyMs,
    ttftMs: reply.ttftMs,
    tpotMs: reply.tpotMs,
    queueWaitMs: reply.dispatch?.queueWaitMs ?? queueWaitOf(reply.status),
    dispatch: reply.dispatch && toSampleDispatch(reply.dispatch),
    simulated: SIMULATED_TEXT.test(reply.responseText),
    tokenMs: null,
  };
}

function failure(outcome: Result["outcome"], status: string, errorMessage: string): Result {
  const counts = { inputTokens: 0, outputTokens: 0 };
  const times = { engineLatencyMs: 0, workerLatencyMs: 0, ttftMs: 0, tpotMs: 0, queueWaitMs: null };
  return {
    outcome,
    status,
    errorMessage,
    ...counts,
    ...times,
    dispatch: null,
    simulated: false,
    tokenMs: null,
  };
}

const INTERRUPTED = failure("interrupted", "CANCELLED", "the run was stopped");

/** The figure in "ok queue_wait_ms=12.34": all that an engine without the `dispatch` field says. */
function queueWaitOf(status: string): Millis | null {
  const text = status.split("queue_wait_ms=")[1];
  const value = Number(text);
  return text && Number.isFinite(value) ? value : null;
}

function toSampleDispatch({ id, size, reason, queueWaitMs, lateMs }: Dispatch__Output): SampleDispatch {
  return { id, size, reason: reason.replace("DISPATCH_REASON_", "").toLowerCase(), queueWaitMs, lateMs };
}
