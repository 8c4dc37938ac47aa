import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { createSecureContext } from "node:tls";
import { addressOf, type Settings, type WORKER_SETTINGS } from "../config/config.ts";
import { StartupError } from "../core/errors.ts";
import { readCertificates, readKeyPair } from "../access/secret_files.ts";
import { TlsCredentials } from "../runtime_patches/tls_credentials.ts";

export type WorkerTls = Pick<Settings, keyof typeof WORKER_SETTINGS>;

/**
 * How the engine speaks to its worker: TLS when the endpoint is https://. `onFailure` is called with the reason of each
 * handshake that failed.
 * @throws {StartupError} when a file of the settings can't be used, or the endpoint is not for TLS while they are
 */
export function workerCredentials(
  settings: WorkerTls,
  onFailure: (why: string) => void = () => {},
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
  return new TlsCredentials(host, createSecureContext({ ...(ca && { ca }), ...(own && own) }), onFailure);
}
