/** HTTP/2 by hand, so that it can be wrong. */
import { Buffer } from "node:buffer";
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";

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
  let timer;
  const late = new Promise((resolve) => timer = setTimeout(resolve, forMs));
  await Promise.race([Promise.all([reading, writing]), late]);
  clearTimeout(timer);
  return { closed, received: new Uint8Array(received) };
}

async function writeAll(connection: Deno.Conn, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
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
