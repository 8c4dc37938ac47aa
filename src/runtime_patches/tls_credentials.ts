/**
 * grpc-js sends the host of a connection as the server's name in TLS, also when it is an address, which RFC 6066
 * forbids and Deno 2.9.3 refuses (the same in Node: nodejs/node#56189). It also keeps to itself why a handshake failed.
 * Delete when a worker at https://127.0.0.1 is reached with `credentials.createSsl`, and the reason of a failed
 * handshake comes with the state of the channel (tests/tls_test.ts).
 */
import { ChannelCredentials, credentials } from "@grpc/grpc-js";
import { isIP, type Socket } from "node:net";
import { connect, type SecureContext } from "node:tls";
import { messageOf } from "../core/errors.ts";

/** Deno 2.9.3 does not pass on the alert in which the server says why it ended the connection. */
const NO_ALERT = "it ended the connection without a word; it may want a certificate of the engine that it " +
  "believes (WORKER_TLS_CLIENT_CERT)";

type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** TLS to one host, which may be an address. `onFailure` is called with the reason of each handshake that failed. */
export class TlsCredentials extends ChannelCredentials {
  constructor(
    private readonly host: string,
    private readonly secureContext: SecureContext,
    private readonly onFailure: (why: string) => void,
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
      this.onFailure(messageOf(thrown));
      throw thrown;
    }
    secure.off("error", reject);
    secure.off("close", closed);
    secure.once("end", () => secure.bytesRead === 0 && this.onFailure(NO_ALERT));
    return { socket: secure, secure: true };
  }
}
