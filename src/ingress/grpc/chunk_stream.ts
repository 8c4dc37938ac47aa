import type { ServerWritableStream } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { now } from "../../clock.ts";
import { OmnispanError } from "../../core/errors.ts";
import type { GenerateChunk } from "../../grpc/generated/omnispan/GenerateChunk.ts";
import type { GenerateRequest__Output } from "../../grpc/generated/omnispan/GenerateRequest.ts";
import type { Millis, Submission, TokenDelta } from "../../core/types.ts";
import type { AnsweredEnd } from "../../observe/observer.ts";
import { Outbox } from "../../runtime_patches/http2_flow_control.ts";
import { toLastChunk } from "./reply.ts";

export type StreamCall = ServerWritableStream<GenerateRequest__Output, GenerateChunk>;

/** Tokens that wait for the chunk before them to leave. */
interface Held {
  readonly chunk: GenerateChunk & { textDelta: string; tokens: number };
  bytes: number;
}

/**
 * Turns a request's tokens into its chunks. One chunk at a time is on its way: what comes before it has left (the
 * engine is busy, or the client reads slowly) is joined into the next. A client that lets more than `limitBytes`
 * gather loses the stream.
 */
export class ChunkStream {
  readonly #outbox: Outbox;
  #firstChunkAt: Millis | undefined;
  #tokens = 0;
  #sending = false;
  #held: Held | undefined;

  /** `giveUp` hears why the stream was cut off. */
  constructor(
    private readonly call: StreamCall,
    private readonly submission: Submission,
    private readonly limitBytes: number,
    private readonly giveUp: (why: OmnispanError) => void,
  ) {
    this.#outbox = new Outbox(call);
  }

  push({ text, tokens, tokenIndex }: TokenDelta, dispatchedAt: Millis): void {
    this.#tokens += tokens;
    if (this.#sending) return this.#hold(text, tokens, tokenIndex);
    const chunk = this.#chunk(text, tokens, tokenIndex);
    if (this.#firstChunkAt === undefined) {
      this.#firstChunkAt = now();
      chunk.engineTtftMs = this.#firstChunkAt - this.submission.receivedAt;
      chunk.gateWaitMs = dispatchedAt - this.submission.receivedAt;
    }
    this.#send(chunk);
  }

  /** Sends the last chunk. */
  end(end: AnsweredEnd): void {
    if (this.#held) this.call.write(this.#held.chunk);
    this.#held = undefined;
    this.call.write(toLastChunk(end, { firstChunkAt: this.#firstChunkAt, tokens: this.#tokens }));
    this.call.end();
  }

  #chunk(textDelta: string, tokens: number, tokenIndex: number): Held["chunk"] {
    const { requestId, tenantId } = this.submission;
    return { requestId, tenantId, textDelta, tokenIndex, tokens, status: "ok" };
  }

  #send(chunk: GenerateChunk): void {
    this.#sending = true;
    this.call.write(chunk, this.#sent);
  }

  readonly #sent = () => {
    this.#sending = false;
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#send(held.chunk);
  };

  #hold(text: string, tokens: number, tokenIndex: number): void {
    const held = this.#held ??= { chunk: this.#chunk("", 0, tokenIndex), bytes: 0 };
    held.chunk.textDelta += text;
    held.chunk.tokens += tokens;
    held.bytes += Buffer.byteLength(text);
    const bytes = this.#outbox.bytes + held.bytes;
    if (bytes > this.limitBytes) this.#cutOff(bytes);
    else this.#outbox.hangUpIfStuck();
  }

  #cutOff(bytes: number): void {
    this.#held = undefined;
    this.#outbox.cutOff();
    const why =
      `the client does not read its stream: ${bytes} bytes wait, STREAM_BUFFER_BYTES is ${this.limitBytes}`;
    this.giveUp(new OmnispanError("resource_exhausted", why));
  }
}
