import type { ClientReadableStream, ClientUnaryCall, ServiceError } from "@grpc/grpc-js";
import type { WorkerClient as WorkerStub } from "../grpc/generated/omnispan/Worker.ts";
import type { WorkerChunk__Output } from "../grpc/generated/omnispan/WorkerChunk.ts";
import type { WorkerGenerateReply__Output } from "../grpc/generated/omnispan/WorkerGenerateReply.ts";
import { workerFailure } from "../grpc/status.ts";
import type { DispatchGroup, DispatchMember, WorkerEvent } from "../core/events.ts";
import type { Millis, SequenceId, WorkerId } from "../core/types.ts";
import { correlate } from "./correlate.ts";
import type { WorkerDriver } from "./driver.ts";
import { toReply, toWorkerRequest } from "./messages.ts";

interface Call {
  readonly rpc: ClientUnaryCall | ClientReadableStream<WorkerChunk__Output>;
  /** Of those that somebody waits for. */
  readonly sequences: Set<SequenceId>;
}

/**
 * Drives a worker that has no Session: what is answered in one piece goes as Generate (one) or GenerateBatch, each
 * stream as a GenerateStream of its own. A cancelled row of a batch runs on at such a worker until the others end.
 */
export class FixedRpcs implements WorkerDriver {
  readonly #calls = new Map<SequenceId, Call>();

  constructor(
    /** The worker's number in the core. */
    private readonly worker: WorkerId,
    private readonly stub: WorkerStub,
    private readonly tell: (event: WorkerEvent) => void,
    private readonly warn: (message: string) => void,
  ) {}

  dispatch({ members, timeoutMs }: DispatchGroup): void {
    const whole: DispatchMember[] = [];
    for (const member of members) {
      if (member.submission.stream) this.#stream(member);
      else whole.push(member);
    }
    if (whole.length > 0) this.#answer(whole, timeoutMs);
  }

  cancel(sequences: readonly SequenceId[]): void {
    for (const sequence of sequences) {
      const call = this.#calls.get(sequence);
      this.#calls.delete(sequence);
      call?.sequences.delete(sequence);
      if (call?.sequences.size === 0) call.rpc.cancel();
    }
  }

  close(): void {
    this.cancel([...this.#calls.keys()]);
  }

  #answer(members: readonly DispatchMember[], timeoutMs: Millis): void {
    const options = { deadline: Date.now() + timeoutMs };
    const finish = (error: ServiceError | null, replies: () => WorkerGenerateReply__Output[]) => {
      if (!this.#end(call)) return; // nobody waits any more
      if (error) return this.tell(this.#lost([...call.sequences], error));
      const { results, unknown } = correlate(
        members,
        replies().map((reply) => toReply(reply, reply.responseText)),
      );
      if (unknown > 0) this.warn(`the worker sent ${unknown} replies to requests that were not in the group`);
      this.tell({ kind: "step", worker: this.worker, step: { deltas: [], results } });
    };
    const [only] = members;
    const rpc = members.length === 1
      ? this.stub.generate(toWorkerRequest(only!), options, (error, reply) => finish(error, () => [reply!]))
      : this.stub.generateBatch(
        { requests: members.map(toWorkerRequest) },
        options,
        (error, reply) => finish(error, () => reply!.responses),
      );
    const call = this.#began(rpc, members);
  }

  #stream(member: DispatchMember): void {
    const { sequence, remainingMs } = member;
    const options = remainingMs === undefined ? {} : { deadline: Date.now() + remainingMs };
    const rpc = this.stub.generateStream(toWorkerRequest(member), options);
    const call = this.#began(rpc, [member]);
    let tokens = 0;
    const take = (text: string, count: number) => {
      if (count === 0 && text === "") return;
      const delta = { sequence, tokenIndex: tokens, tokens: count, text };
      tokens += count;
      this.tell({ kind: "step", worker: this.worker, step: { deltas: [delta], results: [] } });
    };
    rpc.on("data", (chunk: WorkerChunk__Output) => {
      if (!call.sequences.has(sequence)) return;
      // Where a worker does not say how many tokens a chunk has, it is one; the last one's totals put that right.
      if (!chunk.finished) return take(chunk.textDelta, chunk.tokens || (chunk.textDelta ? 1 : 0));
      take(chunk.textDelta, Math.max(0, chunk.outputTokens - tokens));
      this.#end(call);
      const reply = toReply(chunk, "");
      this.tell({
        kind: "step",
        worker: this.worker,
        step: { deltas: [], results: [{ sequence, reply, streamed: tokens }] },
      });
    });
    rpc.on("error", (error: ServiceError) => {
      if (this.#end(call)) this.tell(this.#lost([sequence], error));
    });
    rpc.on("end", () => {
      if (!this.#end(call)) return;
      const message = "the worker's stream ended without its last chunk";
      this.tell({
        kind: "lost",
        worker: this.worker,
        sequences: [sequence],
        status: "worker_transport_error",
        message,
      });
    });
  }

  #began(rpc: Call["rpc"], members: readonly DispatchMember[]): Call {
    const call = { rpc, sequences: new Set(members.map(({ sequence }) => sequence)) };
    for (const sequence of call.sequences) this.#calls.set(sequence, call);
    return call;
  }

  /** Forgets the call; false when nobody waited for it any more. */
  #end(call: Call): boolean {
    let known = false;
    for (const sequence of call.sequences) known = this.#calls.delete(sequence) || known;
    return known;
  }

  #lost(sequences: readonly SequenceId[], error: ServiceError): WorkerEvent {
    const message = `the call to the worker failed: ${error.details}`;
    return { kind: "lost", worker: this.worker, sequences, status: workerFailure(error), message };
  }
}
