import { type ClientUnaryCall, connectivityState, credentials, type ServiceError } from "@grpc/grpc-js";
import { addressOf } from "../config.ts";
import { omnispan } from "../grpc/contract.ts";
import type { WorkerClient as WorkerStub } from "../grpc/generated/omnispan/Worker.ts";
import type { WorkerGenerateReply__Output } from "../grpc/generated/omnispan/WorkerGenerateReply.ts";
import type { WorkerGenerateRequest } from "../grpc/generated/omnispan/WorkerGenerateRequest.ts";
import { workerFailure } from "../grpc/status.ts";
import type { DispatchGroup, DispatchMember, DispatchResult } from "../scheduler/core.ts";
import {
  type AddressedReply,
  type DispatchId,
  failedReply,
  type Millis,
  WORKER_FAILURES,
  type WorkerState,
} from "../types.ts";

/**
 * The way to one Python worker over the fixed RPCs: one connection, kept open and re-opened by itself. A group of
 * one goes as Generate, a larger one as GenerateBatch.
 */
export class WorkerClient {
  readonly #stub: WorkerStub;
  readonly #calls = new Map<DispatchId, ClientUnaryCall>();
  #closed = false;

  /** `onState` hears of the connection's state, first when it is first known. */
  constructor(endpoint: string, private readonly onState: (state: WorkerState) => void) {
    this.#stub = new omnispan.Worker(addressOf(endpoint), credentials.createInsecure(), {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1000,
      "grpc.enable_http_proxy": 0, // a proxy for the web is no way to a worker
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    this.#watch();
  }

  /** Calls the worker; `done` hears of the end exactly once, unless `cancel` or `close` came first. */
  send(group: DispatchGroup, done: (result: DispatchResult) => void): void {
    const [only] = group.members;
    if (!only) throw new Error(`dispatch ${group.id} has no members`);
    const options = { deadline: Date.now() + group.timeoutMs };
    const finish = (error: ServiceError | null, replies: () => WorkerGenerateReply__Output[]) => {
      if (!this.#calls.delete(group.id)) return;
      done(error ? failed(error) : { kind: "replies", replies: replies().map(toReply) });
    };
    const call = group.members.length === 1
      ? this.#stub.generate(
        toRequest(only),
        options,
        (error, reply) => finish(error, () => [reply!]),
      )
      : this.#stub.generateBatch(
        { requests: group.members.map(toRequest) },
        options,
        (error, reply) => finish(error, () => reply!.responses),
      );
    this.#calls.set(group.id, call);
  }

  /** Ends a call that nobody waits for; the worker sees its context cancelled. */
  cancel(id: DispatchId): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    call?.cancel();
  }

  close(): void {
    this.#closed = true;
    for (const id of [...this.#calls.keys()]) this.cancel(id);
    this.#stub.close();
  }

  /** Follows the connection and opens it whenever it is idle, so that the next request finds it open. */
  #watch(): void {
    const channel = this.#stub.getChannel();
    let known: WorkerState | undefined;
    const look = () => {
      if (this.#closed) return;
      const state = channel.getConnectivityState(true);
      const next = state === connectivityState.READY ? "up" : "down";
      if (next !== known) this.onState(known = next);
      channel.watchConnectivityState(state, Infinity, look);
    };
    look();
  }
}

function toRequest({ wireId, submission, remainingMs }: DispatchMember): WorkerGenerateRequest {
  return {
    requestId: wireId,
    tenantId: submission.tenantId,
    prompt: submission.prompt,
    maxTokens: submission.maxTokens,
    submittedAtMs: Math.floor(submission.receivedAt),
    timeoutMs: remainingMs === undefined ? 0 : wholeMillis(remainingMs),
  };
}

/** At least 1, for 0 means no limit on the wire; at most what the field holds. */
function wholeMillis(ms: Millis): number {
  return Math.min(Math.max(1, Math.floor(ms)), 2 ** 32 - 1);
}

function toReply(reply: WorkerGenerateReply__Output): AddressedReply {
  const status = statusOf(reply.status);
  if (!status) {
    const message = `the worker answered with an unknown status ${JSON.stringify(reply.status)}`;
    return { wireId: reply.requestId, ...failedReply("worker_internal_error", message) };
  }
  return {
    wireId: reply.requestId,
    status,
    errorMessage: reply.errorMessage || (status === "ok" ? "" : "the worker did not say why"),
    responseText: reply.responseText,
    inputTokens: reply.inputTokens,
    outputTokens: reply.outputTokens,
    workerLatencyMs: reply.workerLatencyMs,
    ttftMs: reply.ttftMs,
    tpotMs: reply.tpotMs,
  };
}

function statusOf(text: string): AddressedReply["status"] | undefined {
  if (text === "ok" || text.startsWith("ok ")) return "ok";
  return WORKER_FAILURES.find((failure) => failure === text);
}

function failed(error: ServiceError): DispatchResult {
  return {
    kind: "failed",
    status: workerFailure(error),
    message: `the call to the worker failed: ${error.details}`,
  };
}
