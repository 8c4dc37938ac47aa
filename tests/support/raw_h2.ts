/** A bare HTTP/2 client: sends what it is told to, reads frames, and opens windows only where it is asked to. */
import assert from "node:assert/strict";

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
} as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

const PREFACE = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const INITIAL_WINDOW_SIZE = 4;
const END_HEADERS = 4;
const END_STREAM = 1;
const ACK = 1;

export class RawConnection implements Disposable {
  #lastStream = -1;
  #outgoing = Promise.resolve();

  private constructor(private readonly conn: Deno.TcpConn) {}

  /** `address` is host:port; `initialWindow` is what each stream may send before it is allowed more. */
  static async open(address: string, { initialWindow }: { readonly initialWindow: number }) {
    const [hostname, port] = address.split(":");
    const connection = new RawConnection(await Deno.connect({ hostname: hostname!, port: Number(port) }));
    connection.#write(PREFACE);
    connection.#frame(FRAME.SETTINGS, 0, 0, [0, INITIAL_WINDOW_SIZE, ...uint32(initialWindow)]);
    return connection;
  }

  /** Sends a gRPC request of one message and gives its stream. */
  request(path: string, message: Uint8Array): number {
    const stream = this.#lastStream += 2;
    const headers = [
      ...literal(":method", "POST"),
      ...literal(":scheme", "http"),
      ...literal(":path", path),
      ...literal(":authority", "localhost"),
      ...literal("content-type", "application/grpc"),
      ...literal("te", "trailers"),
    ];
    this.#frame(FRAME.HEADERS, END_HEADERS, stream, headers);
    this.#frame(FRAME.DATA, END_STREAM, stream, message);
    return stream;
  }

  /** Lets the stream, or with 0 the connection, send so many bytes more. */
  allow(stream: number, bytes: number): void {
    if (bytes > 0) this.#frame(FRAME.WINDOW_UPDATE, 0, stream, uint32(bytes));
  }

  /** The next frame; settings are acknowledged on the way. */
  async next(): Promise<Frame> {
    const head = await this.#read(9);
    const view = new DataView(head.buffer);
    const frame = {
      type: head[3]!,
      flags: head[4]!,
      stream: view.getUint32(5) & 0x7fffffff,
      payload: await this.#read(view.getUint32(0) >> 8),
    };
    if (frame.type === FRAME.SETTINGS && !(frame.flags & ACK)) this.#frame(FRAME.SETTINGS, ACK, 0, []);
    return frame;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }

  #frame(type: number, flags: number, stream: number, payload: ArrayLike<number>): void {
    const head = [...uint32(payload.length << 8 | type), flags, ...uint32(stream)];
    const frame = new Uint8Array(9 + payload.length);
    frame.set(head);
    frame.set(payload, 9);
    this.#write(frame);
  }

  #write(bytes: Uint8Array): void {
    this.#outgoing = this.#outgoing.then(async () => {
      for (let sent = 0; sent < bytes.length;) sent += await this.conn.write(bytes.subarray(sent));
    });
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

/** HPACK: a literal that is not indexed, without Huffman. */
function literal(name: string, value: string): number[] {
  const encode = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  return [0, ...encode(name), ...encode(value)];
}

function uint32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}
