import type { ServerWritableStream } from "@grpc/grpc-js";
import { now } from "../clock.ts";
import type { GenerateChunk } from "../grpc/generated/omnispan/GenerateChunk.ts";
import type { GenerateRequest__Output } from "../grpc/generated/omnispan/GenerateRequest.ts";
import type { Answer, Millis, Mode, Submission, TokenDelta } from "../types.ts";
import { toLastChunk } from "./reply.ts";

export type StreamCall = ServerWritableStream<GenerateRequest__Output, GenerateChunk>;

/** Turns a request's tokens into its chunks. */
export class ChunkStream {
  #firstChunkAt: Millis | undefined;
  #tokens = 0;

  /** `caller` is aborted when more than `limitBytes` wait for a client that does not read. */
  constructor(
    private readonly call: StreamCall,
    private readonly submission: Submission,
    private readonly limitBytes: number,
    private readonly caller: AbortController,
  ) {}

  push({ text, tokens, tokenIndex, queueWaitMs }: TokenDelta): void {
    const { requestId, tenantId, receivedAt } = this.submission;
    const chunk: GenerateChunk = { requestId, tenantId, textDelta: text, tokenIndex, tokens, status: "ok" };
    if (this.#firstChunkAt === undefined) {
      this.#firstChunkAt = now();
      chunk.engineTtftMs = this.#firstChunkAt - receivedAt;
      chunk.gateWaitMs = queueWaitMs;
    }
    this.#tokens += tokens;
    this.call.write(chunk);
  }

  /** Sends the last chunk and gives it back. */
  end(answer: Answer, mode: Mode): GenerateChunk {
    const sofar = { firstChunkAt: this.#firstChunkAt, tokens: this.#tokens };
    const chunk = toLastChunk(this.submission, answer, mode, now(), sofar);
    this.call.write(chunk);
    this.call.end();
    return chunk;
  }
}
