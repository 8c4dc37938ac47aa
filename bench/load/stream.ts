import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { now } from "../src/clock.ts";
import type { Millis } from "../src/types.ts";

/** What a chunk of the engine's and one of the worker's have in common. */
export interface Chunk {
  readonly textDelta: string;
  /** 0 from an engine or a worker that does not count them: a chunk with text is one then. */
  readonly tokens: number;
  readonly finished: boolean;
}

/** A stream as its reader saw it. */
export interface Received<C extends Chunk> {
  /** When each token was there: the tokens of one chunk come at one time. */
  readonly tokensAt: readonly Millis[];
  /** Chunks that brought tokens. */
  readonly chunks: number;
  readonly text: string;
  /** The one that was `finished`. */
  readonly last: C | undefined;
  /** How the call failed, if it did. */
  readonly error: ServiceError | undefined;
}

/** Reads a stream to its end. A failure is a result too, so this never rejects. */
export function receive<C extends Chunk>(call: ClientReadableStream<C>): Promise<Received<C>> {
  const { promise, resolve } = Promise.withResolvers<Received<C>>();
  const tokensAt: Millis[] = [];
  let [chunks, text] = [0, ""];
  let last: C | undefined;
  call.on("data", (chunk: C) => {
    const at = now();
    const tokens = chunk.tokens || (chunk.textDelta ? 1 : 0);
    for (let token = 0; token < tokens; token++) tokensAt.push(at);
    if (tokens > 0) chunks++;
    text += chunk.textDelta;
    if (chunk.finished) last = chunk;
  });
  const settle = (error?: ServiceError) => resolve({ tokensAt, chunks, text, last, error });
  call.on("error", settle);
  call.on("end", () => settle());
  return promise;
}

/** The times between a stream's tokens. */
export function gaps(tokensAt: readonly Millis[]): Millis[] {
  return tokensAt.slice(1).map((at, index) => at - tokensAt[index]!);
}
