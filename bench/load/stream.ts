import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { now } from "../../src/clock.ts";
import type { Millis } from "../../src/core/types.ts";
import type { ReceivedChunk } from "../record/sample.ts";

/** What a chunk of the engine's and one of the worker's have in common. */
export interface Chunk {
  readonly textDelta: string;
  /** 0 from an engine or a worker that does not count them: a chunk with text is one then. */
  readonly tokens: number;
  readonly finished: boolean;
}

/** A stream as its reader saw it. Times count from `startedAt`. */
export interface Received<C extends Chunk> {
  /** One for each chunk that brought tokens: the tokens of one chunk come at one time. */
  readonly arrivals: readonly ReceivedChunk[];
  /** Null when no text came. */
  readonly firstTextMs: Millis | null;
  readonly text: string;
  /** The one that was `finished`. */
  readonly last: C | undefined;
  /** The error that ended the call. */
  readonly error: ServiceError | undefined;
}

/** Reads a stream to its end. A failure is a result too, so this never rejects. `startedAt` 0 gives Unix milliseconds. */
export function receive<C extends Chunk>(
  call: ClientReadableStream<C>,
  startedAt = now(),
): Promise<Received<C>> {
  const { promise, resolve } = Promise.withResolvers<Received<C>>();
  const arrivals: ReceivedChunk[] = [];
  let firstTextMs: Millis | null = null;
  let text = "";
  let last: C | undefined;
  call.on("data", (chunk: C) => {
    const atMs = now() - startedAt;
    if (chunk.textDelta) {
      firstTextMs ??= atMs;
      text += chunk.textDelta;
    }
    const tokens = chunk.tokens || (chunk.textDelta ? 1 : 0);
    if (tokens > 0) arrivals.push([atMs, tokens]);
    if (chunk.finished) last = chunk;
  });
  const settle = (error?: ServiceError) => resolve({ arrivals, firstTextMs, text, last, error });
  call.on("error", settle);
  call.on("end", () => settle());
  return promise;
}

/** The tokens that a stream brought. */
export function countTokens(arrivals: readonly ReceivedChunk[]): number {
  return arrivals.reduce((sum, [, tokens]) => sum + tokens, 0);
}

/** The instant at which each single token of a stream was there. */
export function tokenTimes(arrivals: readonly ReceivedChunk[]): Millis[] {
  return arrivals.flatMap(([atMs, tokens]) => Array.from({ length: tokens }, () => atMs));
}
