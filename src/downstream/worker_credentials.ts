import { Buffer } from "node:buffer";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Settings } from "../config.ts";
import { messageOf, StartupError } from "../errors.ts";

export type WorkerTls = Pick<
  Settings,
  "WORKER_ENDPOINT" | "WORKER_TLS_CA" | "WORKER_TLS_CLIENT_CERT" | "WORKER_TLS_CLIENT_KEY"
>;

/**
 * How the engine speaks to its worker: TLS when the endpoint is https://.
 * @throws {StartupError} when a file of the settings can't be used
 */
export function workerCredentials(settings: WorkerTls): ChannelCredentials {
  if (!settings.WORKER_ENDPOINT.startsWith("https://")) return credentials.createInsecure();
  const ca = readPem("WORKER_TLS_CA", settings);
  const key = readPem("WORKER_TLS_CLIENT_KEY", settings);
  const cert = readPem("WORKER_TLS_CLIENT_CERT", settings);
  try {
    return credentials.createSsl(ca, key, cert);
  } catch (cause) {
    const names = "WORKER_TLS_CA, WORKER_TLS_CLIENT_CERT and WORKER_TLS_CLIENT_KEY";
    throw new StartupError([`${names} must be PEM files that fit together: ${messageOf(cause)}`], { cause });
  }
}

function readPem(name: Exclude<keyof WorkerTls, "WORKER_ENDPOINT">, settings: WorkerTls): Buffer | null {
  const path = settings[name];
  if (path === "") return null;
  try {
    return Buffer.from(Deno.readFileSync(path));
  } catch (cause) {
    throw new StartupError([`${name} must be a file that can be read, got ${path}: ${messageOf(cause)}`], {
      cause,
    });
  }
}
