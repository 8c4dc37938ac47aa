/**
 * The listening socket of a grpc-js server, made outside of grpc-js 1.14.7, because on Deno 2.9.3 the server's own
 * serves no TLS, drops what it reads together with a connection's end, and has the troubles of the other files here.
 * No issue is known of TLS and of the dropped reads.
 * Delete when `Server.bindAsync` passes tests/tls_test.ts, tests/slow_reader_test.ts and tests/drain_test.ts.
 */
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { coalesceWrites } from "./coalesce_writes.ts";
import { ignoreFarDeadlines } from "./far_deadlines.ts";
import { watchFrames } from "./http2_flow_control.ts";
import { ListeningPort } from "./listening_port.ts";

/** How long a client may take to agree on TLS. */
const HANDSHAKE_MS = 10_000;
/** How long after the last connection came in the connections may close, so that what they bring is read first. */
const APART_MS = 100;

export interface GrpcListenerOptions {
  readonly host: string;
  readonly maxConnections: number;
  /** PEM; undefined: no TLS. */
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
}

/** Listens for a grpc-js server, with TLS or without. */
export class GrpcListener {
  readonly #listener: NetServer;
  readonly #port: ListeningPort;
  readonly #event: "connection" | "secureConnection";

  constructor(private readonly server: Server, { host, maxConnections, certificate }: GrpcListenerOptions) {
    this.#listener = certificate
      ? createTlsServer({
        ...certificate,
        ALPNProtocols: ["h2"],
        handshakeTimeout: HANDSHAKE_MS,
        noDelay: true,
      })
      : createServer({ noDelay: true });
    this.#event = certificate ? "secureConnection" : "connection";
    this.#listener.maxConnections = maxConnections;
    this.#listener.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
    this.#port = new ListeningPort(this.#listener, host, "BIND_PORT", "");
  }

  /**
   * Starts to listen and returns the port. Call it once the server has its services.
   * @throws {StartupError} when the address can't be had
   */
  listen(port: number): Promise<number> {
    const injector = this.server.createConnectionInjector(ServerCredentials.createInsecure());
    ignoreFarDeadlines(this.server);
    this.#port.onForeign(this.#event, (socket) => {
      watchFrames(socket);
      coalesceWrites(socket);
      injector.injectConnection(socket);
    });
    return this.#port.listen(port);
  }

  /** Takes no more connections; when it resolves, the server may close those that stand. */
  async close(): Promise<void> {
    this.#port[Symbol.dispose]();
    this.#listener.close();
    await delay(APART_MS);
  }
}
