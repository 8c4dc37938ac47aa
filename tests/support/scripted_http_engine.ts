/** An HTTP server for tests that answers as the engine does over HTTP. */

export interface Asked {
  readonly path: string;
  readonly headers: Headers;
  /** Of a GET undefined. */
  readonly body: unknown;
}

/** Serves on a free port; `answers` by path, others get 404. */
export class TestEngine implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();

  constructor(
    answers: Readonly<Record<string, (asked: Asked) => Response | Promise<Response>>>,
    { tls, port = 0 }: { readonly tls?: Deno.TlsCertifiedKeyPem; readonly port?: number } = {},
  ) {
    const options = { hostname: "127.0.0.1", port, signal: this.#stop.signal, onListen: () => {}, ...tls };
    this.#server = Deno.serve(options, async (request) => {
      const path = new URL(request.url).pathname;
      const text = await request.text();
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const asked = { path, headers: request.headers, body };
      this.asked.push(asked);
      return await answers[path]?.(asked) ?? new Response("Not Found", { status: 404 });
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends at once, with all its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
    await Promise.all(streams);
  }
}

/** Those that have not ended. */
const streams = new Set<Promise<void>>();

/** A response of server-sent events; what is still to come is dropped when the client leaves. */
export function eventStream(parts: AsyncIterable<string> | Iterable<string>): Response {
  const body = ReadableStream.from(tracked(parts)).pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

async function* tracked(parts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  streams.add(promise);
  try {
    yield* parts;
  } finally {
    streams.delete(promise);
    resolve();
  }
}

export function modelList(...ids: string[]): Response {
  return Response.json({ object: "list", data: ids.map((id) => ({ id, object: "model" })) });
}

export function refused(status: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { message, type: "x", param: null, code: null } }, { status, headers });
}
