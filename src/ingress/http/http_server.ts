import { getRequestListener } from "@hono/node-server";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { hostAndPort, type Settings } from "../../config.ts";
import { messageOf, StartupError } from "../../errors.ts";
import type { KeyPair } from "../../pem.ts";
import type { App } from "./app.ts";

/** How long the last responses get to leave when the server closes. */
const FLUSH_MS = 500;
/** How long a client may take to agree on TLS, and for the headers of a request. */
const HEADERS_MS = 10_000;
/** Longer than proxies keep theirs, or they would send a request on one that we are just closing. */
const IDLE_MS = 75_000;
/** How often connections are looked at. */
const LOOK_MS = 1000;

/**
 * The engine's HTTP door. It stands on node:http: Deno.serve 2.9.3 does not see that a client has gone whose request
 * came in two pieces, as most clients send it, and has no limits for headers and connections.
 */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server;

  constructor(
    private readonly settings: Settings,
    app: App,
    certificate: KeyPair | undefined,
  ) {
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    const options = {
      maxHeaderSize: settings.HTTP_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: HEADERS_MS + settings.HTTP_BODY_TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_MS,
      keepAliveTimeout: IDLE_MS,
      noDelay: true,
    };
    this.#server = certificate
      ? createTlsServer({ ...options, ...certificate, handshakeTimeout: HEADERS_MS }, listener)
      : createServer(options, listener);
    this.#server.maxConnections = settings.MAX_CONNECTIONS;
  }

  /**
   * Starts to listen and returns the port.
   * @throws {StartupError} when the address can't be had
   */
  async listen(): Promise<number> {
    const { BIND_HOST } = this.settings;
    const port = Number(this.settings.HTTP_PORT);
    const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(port, BIND_HOST, resolve);
    await listening.catch((cause) => {
      const rule = "BIND_HOST and HTTP_PORT must be an address that is free, or HTTP_PORT off";
      throw new StartupError([`${rule}, got ${hostAndPort(BIND_HOST, port)}: ${messageOf(cause)}`], {
        cause,
      });
    });
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets what is under way leave, then closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
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
