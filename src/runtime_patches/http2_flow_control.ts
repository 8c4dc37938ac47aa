/**
 * Deno 2.9.3's http2 takes all that is written to a stream at once, and never makes a writer wait for a reader whose
 * window is full (denoland/deno#36044). It hands the socket one frame with each write, so frames can be counted there.
 * Delete when the engine runs on a Deno that has the fix: it came with 2.9.4, and denoland/deno#36788 keeps the engine
 * from 2.9.4 to 2.9.8 (runtime_version.ts).
 */
import type { ServerWritableStream } from "@grpc/grpc-js";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { nextTick } from "node:process";

type Done = (error?: Error | null) => void;

/** What a stream may leave below grpc-js before its writes wait for the reader. */
const WINDOW_BYTES = 16 * 1024;
/** What all streams of a connection may leave in its socket before it counts as dead. */
const CONNECTION_BYTES = 16 * 2 ** 20;

const DATA = 0;

/** The key of a connection's watch at its socket. http2 gives out only a proxy of the socket, which reads through to it. */
const WATCH = Symbol("watch");
interface Watch {
  readonly socket: Socket;
  /** By the id of their http2 stream. */
  readonly outboxes: Map<number, Outbox>;
}

/** Watches the frames that leave a connection. Call it before the connection is used. */
export function watchFrames(socket: Socket): void {
  const outboxes = new Map<number, Outbox>();
  Object.assign(socket, { [WATCH]: { socket, outboxes } satisfies Watch });
  const write = socket.write;
  socket.write = function (...args: Parameters<typeof write>) {
    const frame = args[0] as Uint8Array;
    if (frame[3] === DATA && outboxes.size > 0) outboxes.get(uint31(frame, 5))?.left(uint24(frame));
    return write.apply(socket, args);
  } as typeof write;
}

/** Counts what one streaming call has written and its reader has not taken, and makes its writes wait for the reader, as http2 should. */
export class Outbox {
  readonly #stream: ServerHttp2Stream;
  readonly #socket: Socket;
  /** Bytes that were written, and are not yet in a frame that left. */
  #bytes = 0;
  #waiting: Done | undefined;
  #end: (() => void) | undefined;

  /** Before the call's first write. */
  constructor(call: ServerWritableStream<unknown, unknown>) {
    const stream = this.#stream = streamOf(call);
    const watch = (stream.session?.socket as { [WATCH]?: Watch } | undefined)?.[WATCH];
    if (!watch) throw new Error("the connection of a stream is gone, or was not given to watchFrames");
    const { socket, outboxes } = watch;
    const id = stream.id!;
    this.#socket = socket;
    outboxes.set(id, this);
    stream.once("close", () => outboxes.delete(id));
    stream.on("error", () => {}); // a reset by the engine; grpc-js reports the others
    const write: (chunk: Uint8Array, done?: Done) => boolean = stream.write;
    const end: () => ServerHttp2Stream = stream.end;
    stream.write = ((chunk: Uint8Array, done: Done) => {
      this.#bytes += chunk.length;
      if (this.#bytes <= WINDOW_BYTES) return write.call(stream, chunk, done);
      this.#waiting = done;
      return write.call(stream, chunk);
    }) as typeof stream.write;
    // A stream that ends with bytes left would keep them for ever once its reader goes away.
    stream.end = (() => {
      if (this.#bytes === 0) return end.call(stream);
      this.#end = () => end.call(stream);
      return stream;
    }) as typeof stream.end;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A frame with so many bytes of this stream has left. */
  left(bytes: number): void {
    this.#bytes -= bytes;
    if (this.#waiting && this.#bytes <= WINDOW_BYTES) {
      nextTick(this.#waiting);
      this.#waiting = undefined;
    }
    if (this.#end && this.#bytes === 0 && !this.#stream.closed) {
      nextTick(this.#end);
      this.#end = undefined;
    }
  }

  /** Drops the call and what it holds; its client reads RESOURCE_EXHAUSTED, its other calls go on. */
  cutOff(): void {
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Closes the connection when its other end takes nothing at all: a reset would wait behind the data. */
  hangUpIfStuck(): void {
    if (this.#socket.writableLength > CONNECTION_BYTES) this.#socket.destroy();
  }
}

/** The stream that carries a call. It is not in grpc-js's API, and holds while the server has no interceptors. */
function streamOf(call: ServerWritableStream<unknown, unknown>): ServerHttp2Stream {
  return (call as unknown as { call: { stream: ServerHttp2Stream } }).call.stream;
}

function uint24(frame: Uint8Array): number {
  return frame[0]! << 16 | frame[1]! << 8 | frame[2]!;
}

function uint31(frame: Uint8Array, at: number): number {
  return (frame[at]! & 127) << 24 | frame[at + 1]! << 16 | frame[at + 2]! << 8 | frame[at + 3]!;
}
