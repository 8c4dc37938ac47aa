import { type ClientUnaryCall, credentials, type ServiceError, status as Status } from "@grpc/grpc-js";
import { now } from "../../src/clock.ts";
import { omnispan } from "../../src/grpc/contract.ts";
import type { EngineClient } from "../../src/grpc/generated/omnispan/Engine.ts";
import type { GenerateReply__Output } from "../../src/grpc/generated/omnispan/GenerateReply.ts";
import type { GenerateRequest } from "../../src/grpc/generated/omnispan/GenerateRequest.ts";
import type { StatsReply__Output } from "../../src/grpc/generated/omnispan/StatsReply.ts";
import type { Millis } from "../../src/core/types.ts";
import type { RequestSpec, Result } from "../record/sample.ts";
import { receive } from "./stream.ts";
import type { Transport } from "./loops.ts";

/** Connections that all clients share, each taking the next in turn: no connection is the bottleneck, none is new. */
export const CONNECTIONS = 4;

/** What a request must say; its id on the wire is the index where none is given. */
export interface Question extends Pick<RequestSpec, "index" | "prompt" | "maxTokens"> {
  readonly requestId?: string;
  /** @default "bench" */
  readonly tenant?: string;
  /** @default false */
  readonly exactOutput?: boolean;
}

type Call = Pick<ClientUnaryCall, "cancel">;

/** The load generator's way to an engine: the only part of the lab that knows gRPC. */
export class EngineLoad implements Disposable {
  readonly #connections: EngineClient[];
  readonly #calls = new WeakMap<AbortSignal, Set<Call>>();
  #next = 0;

  /** `timeoutMs` is the deadline that each request carries. */
  constructor(address: string, private readonly timeoutMs: Millis) {
    this.#connections = Array.from(
      { length: CONNECTIONS },
      () =>
        new omnispan.Engine(address, credentials.createInsecure(), {
          "grpc.use_local_subchannel_pool": 1, // else grpc-js would make them one
          "grpc.enable_retries": 0, // only what the engine never took is sent a second time
          "grpc.enable_http_proxy": 0, // a web proxy on the way would be measured too, and can't reach this machine
          "grpc.initial_reconnect_backoff_ms": 100,
          "grpc.max_reconnect_backoff_ms": 1000,
          "grpc.max_receive_message_length": -1,
        }),
    );
  }

  /** Sends one request. A failure is a result too, so this never rejects; `stop` ends it at once. */
  send(question: Question, stop: AbortSignal): Promise<Result> {
    if (stop.aborted) return Promise.resolve(INTERRUPTED);
    const { promise, resolve } = Promise.withResolvers<Result>();
    const call = this.#connection().submitGenerate(requestOf(question), this.#options(), (error, reply) => {
      underWay.delete(call);
      resolve(resultOf(error, reply, stop.aborted));
    });
    const underWay = this.#underWay(stop).add(call);
    return promise;
  }

  /** Does what `send` does, with the answer token by token. */
  async stream(question: Question, stop: AbortSignal): Promise<Result> {
    if (stop.aborted) return INTERRUPTED;
    const startedAt = now();
    const call = this.#connection().submitGenerateStream(requestOf(question), this.#options());
    const underWay = this.#underWay(stop).add(call);
    const { arrivals, firstTextMs, text, last, error } = await receive(call, startedAt);
    underWay.delete(call);
    const reply = last && { ...last, responseText: text };
    return { ...resultOf(error ?? null, reply, stop.aborted), arrivals, firstTextMs };
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

  /** The calls that `stop` cancels: one listener for them all, for each of thousands would be looked up in a list. */
  #underWay(stop: AbortSignal): Set<Call> {
    const known = this.#calls.get(stop);
    if (known) return known;
    const calls = new Set<Call>();
    this.#calls.set(stop, calls);
    stop.addEventListener("abort", () => calls.forEach((call) => call.cancel()), { once: true });
    return calls;
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

/** Sends the requests of a turn to an engine, answered in one piece or token by token. */
export class GrpcTransport implements Transport {
  constructor(private readonly engine: EngineLoad, private readonly stream: boolean) {}

  send(request: RequestSpec, stop: AbortSignal, requestId: string): Promise<Result> {
    const { index, prompt, maxTokens, tenant, exactOutput } = request;
    const question = { index, prompt, maxTokens, tenant, exactOutput, requestId };
    return this.stream ? this.engine.stream(question, stop) : this.engine.send(question, stop);
  }

  [Symbol.dispose](): void {
    this.engine[Symbol.dispose]();
  }
}

function requestOf(question: Question): GenerateRequest {
  const { index, requestId = `bench-${index}`, tenant = "bench", prompt, maxTokens, exactOutput } = question;
  return { requestId, tenantId: tenant, prompt, maxTokens, ignoreEos: exactOutput ?? false };
}

/** The beginning of every answer of the worker's sim backend, which shows it also behind an engine of `--target`. */
const SIMULATED_TEXT = /^simulated-[0-9a-f]{8}\b/;

/** A stream's last chunk, with the text of all, is a reply too; its queue wait is `gateWaitMs`. */
export function resultOf(
  error: ServiceError | null,
  reply: (GenerateReply__Output & { readonly gateWaitMs?: Millis }) | undefined,
  stopped: boolean,
): Result {
  if (error || !reply) {
    const status = Status[error?.code ?? Status.UNKNOWN];
    const outcome = stopped ? "interrupted" : "failed";
    return { ...NO_REPLY, outcome, status, errorMessage: error?.details ?? "no reply" };
  }
  const ok = reply.status === "ok" || reply.status.startsWith("ok ");
  return {
    outcome: ok ? "ok" : stopped ? "interrupted" : "failed",
    status: reply.status,
    errorMessage: reply.errorMessage,
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    firstTextMs: null,
    arrivals: null,
    engineMs: reply.endToEndLatencyMs,
    workerMs: reply.workerLatencyMs,
    workerTtftMs: reply.ttftMs,
    workerTpotMs: reply.tpotMs,
    queueWaitMs: reply.dispatch?.queueWaitMs ?? reply.gateWaitMs ?? queueWaitOf(reply.status),
    dispatch: reply.dispatch && { ...reply.dispatch, reason: shortReason(reply.dispatch.reason) },
    timing: reply.timing,
    simulated: SIMULATED_TEXT.test(reply.responseText),
  };
}

const NO_REPLY = {
  inputTokens: 0,
  outputTokens: 0,
  firstTextMs: null,
  arrivals: null,
  engineMs: 0,
  workerMs: 0,
  workerTtftMs: 0,
  workerTpotMs: 0,
  queueWaitMs: null,
  dispatch: null,
  timing: null,
  simulated: false,
};

const INTERRUPTED: Result = {
  ...NO_REPLY,
  outcome: "interrupted",
  status: "CANCELLED",
  errorMessage: "the run was stopped",
};

/** The figure in "ok queue_wait_ms=12.34": all that a unary reply without the `dispatch` field says. */
function queueWaitOf(status: string): Millis | null {
  const text = status.split("queue_wait_ms=")[1];
  const value = Number(text);
  return text && Number.isFinite(value) ? value : null;
}

/** The name in the contract without what all names begin with. */
function shortReason(name: string): string {
  return name.replace("DISPATCH_REASON_", "").toLowerCase();
}

/** Whether the error of `EngineLoad.stats` says that nothing listens there. */
export function isUnreached(error: Error): boolean {
  return "code" in error && error.code === Status.UNAVAILABLE;
}

/** Whether the error of `EngineLoad.stats` says that what answers is no engine. */
export function isNoEngine(error: Error): boolean {
  return "code" in error && error.code === Status.UNIMPLEMENTED;
}
