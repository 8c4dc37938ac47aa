/** HTTP/1.1 byte by byte, for what a well-behaved client would never send. */
import { Buffer } from "node:buffer";

export class RawHttp implements Disposable {
  #closed = false;

  private constructor(private readonly connection: Deno.Conn) {}

  /** `host` is host:port; over TLS when there are certificates to believe. */
  static async open(host: string, caCerts?: string[]): Promise<RawHttp> {
    const colon = host.lastIndexOf(":");
    const address = { hostname: host.slice(0, colon), port: Number(host.slice(colon + 1)) };
    return new RawHttp(
      caCerts ? await Deno.connectTls({ ...address, caCerts }) : await Deno.connect(address),
    );
  }

  send(text: string): Promise<void> {
    return this.sendBytes(new TextEncoder().encode(text));
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
  }

  ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body = "",
  ): Promise<RawResponse> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return this.send(`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body}`).then(() => this.response());
  }

  /** The next response; its length must be announced, or the connection ends with it. */
  async response(): Promise<RawResponse> {
    let text = "";
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
      if (end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)) break;
      const read = await this.connection.read(buffer);
      if (read === null) break;
      text += Buffer.from(buffer.subarray(0, read)).toString("latin1");
    }
    const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
    if (status === undefined) throw new Error("the connection was closed without a response");
    const end = text.indexOf("\r\n\r\n");
    return { status: Number(status), head: text.slice(0, end).toLowerCase(), body: text.slice(end + 4) };
  }

  /** Resolves when the other side has ended the connection. */
  async ended(): Promise<void> {
    while (await this.connection.read(new Uint8Array(4096)) !== null);
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.connection.close();
    this.#closed = true;
  }
}

/** Each byte is one character. */
export interface RawResponse {
  readonly status: number;
  /** The status line and the headers, in lower case. */
  readonly head: string;
  readonly body: string;
}
