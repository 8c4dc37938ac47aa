/** HTTP/2 by hand, so that it can be wrong, or slow to read. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { within } from "../../src/clock.ts";

export const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Frame types of RFC 9113. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;
const ACK = 1;
const INITIAL_WINDOW_SIZE = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** One frame; `length` may lie. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
  length = payload.length,
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  bytes.set([length >> 16 & 255, length >> 8 & 255, length & 255, type, flags]);
  new DataView(bytes.buffer).setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

/** What every connection begins with. */
export const OPENING: readonly Uint8Array[] = [PREFACE, frame(FRAME.settings, 0, 0)];

/** Header fields as HPACK literals that are neither indexed nor compressed. */
export function headerBlock(fields: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const bytes: number[] = [];
  for (const pair of Object.entries(fields)) {
    bytes.push(0);
    for (const text of pair) {
      const encoded = typeof text === "string" ? new TextEncoder().encode(text) : text;
      if (encoded.length > 126) throw new Error(`a header field must be at most 126 bytes here, got ${text}`);
      bytes.push(encoded.length, ...encoded);
    }
  }
  return new Uint8Array(bytes);
}

/** The headers of a call. */
export function callHeaders(path: string): Readonly<Record<string, string>> {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "test",
    "content-type": "application/grpc",
    te: "trailers",
  };
}

/** A gRPC message; flag and length may lie. */
export function grpcMessage(body: Uint8Array, flag = 0, length = body.length): Uint8Array {
  const bytes = new Uint8Array(5 + body.length);
  bytes[0] = flag;
  new DataView(bytes.buffer).setUint32(1, length);
  bytes.set(body, 5);
  return bytes;
}

/** A length-delimited field of a protobuf message. */
export function protoField(number: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return new Uint8Array([number << 3 | 2, bytes.length, ...bytes]);
}

/** Writes to a new connection and reads until the peer closes it, or for `forMs`. Gives what came. */
export async function throwAt(
  address: string,
  parts: readonly Uint8Array[],
  forMs: number,
): Promise<{ closed: boolean; received: Uint8Array }> {
  const [hostname = "", port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const received: number[] = [];
  let closed = false;
  const reading = (async () => {
    const buffer = new Uint8Array(65_536);
    for (let n; (n = await connection.read(buffer)) !== null;) received.push(...buffer.subarray(0, n));
    closed = true;
  })().catch(() => closed = true);
  const writing = writeAll(connection, parts).catch(() => {}); // the peer may have had enough
  await within(forMs, Promise.all([reading, writing]));
  return { closed, received: new Uint8Array(received) };
}

async function writeAll(connection: Deno.Conn, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
  }
}

/** A connection that reads frames one by one, and opens windows only where it is asked to. */
export class RawConnection implements Disposable {
  #lastStream = -1;
  #outgoing = Promise.resolve();

  private constructor(private readonly conn: Deno.Conn) {}

  /**
   * `address` is host:port; `initialWindow` is what each stream may send before it is allowed more; over TLS when there
   * are certificates to believe.
   */
  static async open(
    address: string,
    { initialWindow, caCerts }: { readonly initialWindow: number; readonly caCerts?: string[] },
  ) {
    const [hostname = "", digits] = address.split(":");
    const port = Number(digits);
    const connection = new RawConnection(
      caCerts
        ? await Deno.connectTls({ hostname, port, caCerts, alpnProtocols: ["h2"] })
        : await Deno.connect({ hostname, port }),
    );
    const setting = new Uint8Array([0, INITIAL_WINDOW_SIZE, ...uint32(initialWindow)]);
    connection.#write(PREFACE, frame(FRAME.settings, 0, 0, setting));
    return connection;
  }

  /** Sends a request of one gRPC message and gives its stream. */
  request(path: string, message: Uint8Array): number {
    const stream = this.#lastStream += 2;
    this.#write(
      frame(FRAME.headers, END_HEADERS, stream, headerBlock(callHeaders(path))),
      frame(FRAME.data, END_STREAM, stream, message),
    );
    return stream;
  }

  /** Lets the stream, or with 0 the connection, send so many bytes more. */
  allow(stream: number, bytes: number): void {
    if (bytes > 0) this.#write(frame(FRAME.windowUpdate, 0, stream, uint32(bytes)));
  }

  /** The next frame; settings are acknowledged on the way. */
  async next(): Promise<Frame> {
    const head = await this.#read(9);
    const view = new DataView(head.buffer);
    const next = {
      type: head[3]!,
      flags: head[4]!,
      stream: view.getUint32(5) & 0x7fffffff,
      payload: await this.#read(view.getUint32(0) >>> 8),
    };
    if (next.type === FRAME.settings && !(next.flags & ACK)) this.#write(frame(FRAME.settings, ACK, 0));
    return next;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }

  #write(...parts: readonly Uint8Array[]): void {
    this.#outgoing = this.#outgoing.then(() => writeAll(this.conn, parts));
  }

  async #read(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let have = 0; have < length;) {
      const timer = setTimeout(() => this.conn.close(), 20_000);
      const count = await this.conn.read(bytes.subarray(have));
      clearTimeout(timer);
      assert.ok(count !== null, "the server closed the connection");
      have += count;
    }
    return bytes;
  }
}

/** How one call ended. */
export interface CallEnd {
  /** Undefined when the stream or the connection was closed without one. */
  readonly grpcStatus: number | undefined;
  readonly httpStatus: number | undefined;
  readonly message: string;
  /** It had none, and was left. */
  readonly timedOut: boolean;
}

/** One call over a sound HTTP/2 connection of its own, with these headers beside the usual and this body. */
export function call(
  address: string,
  path: string,
  body: Uint8Array,
  headers: OutgoingHttpHeaders = {},
  timeoutMs = 3000,
): Promise<CallEnd> {
  const { promise, resolve } = Promise.withResolvers<CallEnd>();
  const session = connect(`http://${address}`);
  let seen: IncomingHttpHeaders = {};
  let trouble = "";
  const note = (thrown: Error) => trouble ||= thrown.message;
  const finish = (timedOut = false) => {
    const status = seen["grpc-status"];
    resolve({
      grpcStatus: status === undefined ? undefined : Number(status),
      httpStatus: seen[":status"] as number | undefined,
      message: String(seen["grpc-message"] ?? trouble),
      timedOut,
    });
  };
  const timer = setTimeout(() => finish(true), timeoutMs);
  session.on("error", note);
  session.on("close", () => finish());
  const stream = session.request({ ...callHeaders(path), ...headers }, { endStream: false });
  stream.on("response", (fields) => seen = { ...seen, ...fields });
  stream.on("trailers", (fields) => seen = { ...seen, ...fields });
  stream.on("error", note);
  stream.on("close", () => finish());
  stream.resume();
  stream.end(Buffer.from(body));
  return promise.finally(() => {
    clearTimeout(timer);
    session.destroy();
  });
}

function uint32(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
}
