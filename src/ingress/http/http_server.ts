import { getRequestListener, type HttpBindings, RequestError } from "@hono/node-server";
import { getLogger } from "@logtape/logtape";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Settings } from "../../config/config.ts";
import { messageOf } from "../../core/errors.ts";
import type { KeyPair } from "../../access/secret_files.ts";
import { ListeningPort } from "../../runtime_patches/listening_port.ts";
import { type App, HEALTH_PATHS } from "./app.ts";
import { failed } from "./openai/endpoints.ts";
import { lingerAfter, protocolFailure, refuse, refuseConnection, unreadable } from "./refused_connection.ts";
import type { HttpFailure } from "./status.ts";

const log = getLogger(["omnispan", "http"]);

/** How long the last responses get to leave when the server closes. */
const FLUSH_MS = 500;
/** How long a client may take to agree on TLS, and for the headers of a request. */
const HEADERS_MS = 10_000;
/** Longer than proxies keep theirs, or they would send a request on one that we are just closing. */
const IDLE_MS = 75_000;
/** How often connections are looked at. */
const LOOK_MS = 1000;
/** The host of a request that names none: browsers, which could be made to name another, always name one. */
const NO_HOST = "localhost";

/**
 * The engine's HTTP door. It stands on node:http: Deno.serve 2.9.3 does not see that a client has gone whose request
 * came in two pieces, as most clients send it, and has no limits for headers and connections.
 */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #port: ListeningPort;

  constructor(
    private readonly settings: Settings,
    app: App,
    certificate: KeyPair | undefined,
  ) {
    const answer = async (request: Request, env: HttpBindings) => {
      const response = await app.fetch(request, env);
      if (response.status >= 400 && !env.incoming.complete) { // nobody reads the rest of the request
        response.headers.set("connection", "close");
        lingerAfter(env.incoming);
      }
      return response;
    };
    const toApp = getRequestListener((request, env) => answer(request, env as HttpBindings), {
      overrideGlobalObjects: false,
      hostname: NO_HOST,
      // Whether the rest of the request was read is not known here.
      errorHandler: (thrown) => failed(uncaught(thrown), { connection: "close" }),
    });
    const latest = new WeakMap<Socket, ServerResponse>();
    const listener = (incoming: IncomingMessage, outgoing: ServerResponse) => {
      if (incoming.socket.writableEnded) return; // it was refused before, and gets no further answer
      latest.set(incoming.socket, outgoing);
      const problem = hostProblem(incoming);
      if (problem) refuse(outgoing, problem);
      else void toApp(incoming, outgoing);
    };
    const options = {
      maxHeaderSize: settings.HTTP_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: HEADERS_MS + settings.HTTP_BODY_TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_MS,
      keepAliveTimeout: IDLE_MS,
      noDelay: true,
      requireHostHeader: false, // asked for above, with an answer that says so
    };
    const server = this.#server = certificate
      ? createTlsServer({ ...options, ...certificate, handshakeTimeout: HEADERS_MS }, listener)
      : createServer(options, listener);
    server.maxConnections = settings.MAX_CONNECTIONS;
    server.on("checkExpectation", (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const got = JSON.stringify(incoming.headers.expect?.slice(0, 40));
      refuse(outgoing, protocolFailure(417, `the header expect must be 100-continue, got ${got}`));
    });
    server.on("connect", (_incoming: IncomingMessage, socket: Socket) => {
      const failure = protocolFailure(405, "the method must not be CONNECT: this is no proxy");
      refuseConnection(socket, { ...failure, headers: { allow: "GET, HEAD, POST, OPTIONS" } });
    });
    server.on("clientError", (error: Error & { code?: string }, socket: Socket) => {
      const spokeHttp = /^(HPE|ERR_HTTP)_/.test(error.code ?? ""); // else it left, or there is no TLS yet
      const last = latest.get(socket);
      const inMidst = last?.headersSent && !last.writableFinished;
      if (!spokeHttp || !socket.writable || inMidst) socket.destroy();
      else refuseConnection(socket, unreadable(error, settings, HEADERS_MS));
    });
    this.#port = new ListeningPort(server, settings.BIND_HOST, "HTTP_PORT", ", or HTTP_PORT off");
  }

  /**
   * Starts to listen and returns the port.
   * @throws {StartupError} when the address can't be had
   */
  listen(): Promise<number> {
    return this.#port.listen(Number(this.settings.HTTP_PORT));
  }

  /** Lets what is under way leave, then closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#port[Symbol.dispose]();
    if (!this.#server.listening) return;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => {
      this.#server.closeAllConnections();
      resolve(); // it does not know of those that have not agreed on TLS yet
    }, FLUSH_MS);
    await closed;
    clearTimeout(timer);
  }
}

/**
 * Wrong without exactly one host in HTTP/1.1. Older clients need name none, nor those that ask for the health alone:
 * the checks of load balancers leave it out.
 */
function hostProblem({ headers, rawHeaders, httpVersion, url }: IncomingMessage): HttpFailure | undefined {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === "host") hosts++;
  }
  if (hosts > 1) return protocolFailure(400, `the header host must be given once, got ${hosts} of it`);
  if (headers.host !== undefined || httpVersion === "1.0" || HEALTH_PATHS.has(pathOf(url))) return undefined;
  return protocolFailure(400, "the header host must be given in HTTP/1.1, got none");
}

function pathOf(url = ""): string {
  return url.split("?", 1)[0]!;
}

/** A target or a host that is none, or a failure that the app itself did not see. */
function uncaught(thrown: unknown): HttpFailure {
  if (thrown instanceof RequestError) {
    return protocolFailure(400, `the target and the header host must make a URL: ${messageOf(thrown)}`);
  }
  log.error("an HTTP request failed: {message}", { message: messageOf(thrown) });
  return protocolFailure(500, "the engine failed; its log says how", "internal");
}
