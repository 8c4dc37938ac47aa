import { ChannelCredentials, credentials } from "@grpc/grpc-js";
import { isIP, type Socket } from "node:net";
import { connect, createSecureContext, type SecureContext } from "node:tls";
import { addressOf, type Settings, type WORKER_SETTINGS } from "../config/config.ts";
import { messageOf, StartupError } from "../core/errors.ts";
import { readCertificates, readKeyPair } from "../access/secret_files.ts";

export type WorkerTls = Pick<Settings, keyof typeof WORKER_SETTINGS>;

/**
 * How the engine speaks to its worker: TLS when the endpoint is https://. `failed` hears why a handshake failed, which
 * gRPC keeps to itself.
 * @throws {StartupError} when a file of the settings can't be used, or the endpoint is not for TLS while they are
 */
export function workerCredentials(
  settings: WorkerTls,
  failed: (why: string) => void = () => {},
): ChannelCredentials {
  const { WORKER_ENDPOINT, WORKER_TLS_CA, WORKER_TLS_CLIENT_CERT, WORKER_TLS_CLIENT_KEY } = settings;
  const ca = WORKER_TLS_CA && readCertificates({ setting: "WORKER_TLS_CA", path: WORKER_TLS_CA });
  const own = WORKER_TLS_CLIENT_CERT && readKeyPair(
    { setting: "WORKER_TLS_CLIENT_CERT", path: WORKER_TLS_CLIENT_CERT },
    { setting: "WORKER_TLS_CLIENT_KEY", path: WORKER_TLS_CLIENT_KEY },
  );
  if (!WORKER_ENDPOINT.startsWith("https://")) {
    if (!ca && !own) return credentials.createInsecure();
    const name = ca ? "WORKER_TLS_CA" : "WORKER_TLS_CLIENT_CERT";
    throw new StartupError([`WORKER_ENDPOINT must be https:// with ${name}, got ${WORKER_ENDPOINT}`]);
  }
  const host = addressOf(WORKER_ENDPOINT).replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return new TlsCredentials(host, createSecureContext({ ...(ca && { ca }), ...(own && own) }), failed);
}

/** Deno 2.9.3 does not pass the server's alert on. */
const TURNED_AWAY =
  "it ended the connection without a word; it may want a certificate of the engine that it " +
  "believes (WORKER_TLS_CLIENT_CERT)";

type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/**
 * TLS to one host, which may be an address. grpc-js's own sends an address as a server's name too, which TLS forbids
 * and Deno 2.9.3 refuses.
 */
class TlsCredentials extends ChannelCredentials {
  constructor(
    private readonly host: string,
    private readonly secureContext: SecureContext,
    private readonly failed: (why: string) => void,
  ) {
    super();
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    ...[, , callCredentials = credentials.createEmpty()]: Parameters<
      ChannelCredentials["_createSecureConnector"]
    >
  ): Connector {
    return {
      connect: (socket) => this.#connect(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials,
      destroy: () => {},
    };
  }

  async #connect(socket: Socket): ReturnType<Connector["connect"]> {
    const { host, secureContext } = this;
    const { promise: secured, resolve, reject } = Promise.withResolvers<void>();
    const name = isIP(host) ? {} : { servername: host };
    const secure = connect({ socket, host, ...name, secureContext, ALPNProtocols: ["h2"] }, resolve);
    const closed = () => reject(new Error("the connection was closed during the handshake"));
    secure.on("error", reject);
    secure.once("close", closed);
    try {
      await secured;
    } catch (thrown) {
      this.failed(messageOf(thrown));
      throw thrown;
    }
    secure.off("error", reject);
    secure.off("close", closed);
    secure.once("end", () => secure.bytesRead === 0 && this.failed(TURNED_AWAY));
    return { socket: secure, secure: true };
  }
}
