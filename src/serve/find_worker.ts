import { addressOf, type SettingName, type Settings } from "../config/config.ts";
import { workerCredentials } from "../workers/worker_credentials.ts";
import { WorkerHealth } from "../workers/worker_health.ts";
import { helloOf } from "../workers/worker_hello.ts";
import { StartupError } from "../core/errors.ts";
import { freePort } from "./free_port.ts";
import type { WorkerHello } from "../core/types.ts";

const CONNECT_TIMEOUT_MS = 2000;
const ANSWER_TIMEOUT_MS = 5000;

/** A worker that serve did not start. */
interface Foreign {
  /** It serves now. */
  readonly ready: boolean;
  /** Undefined while it does not serve, and for a worker without sessions, which report the identity. */
  readonly identity: WorkerHello | undefined;
}

/** Whose the worker is. */
export type WorkerSource =
  /** The settings name its endpoint; it may still have to start. */
  | ({ readonly kind: "given" } & Foreign)
  /** Somebody already runs one at the port where serve would start its own. */
  | ({ readonly kind: "found" } & Foreign)
  /** There is none, so serve starts its own. */
  | { readonly kind: "none" };

/**
 * Looks for a worker at `settings.WORKER_ENDPOINT`.
 * @throws {StartupError} when no endpoint was configured and something else than a worker listens there
 */
export async function findWorker(
  settings: Settings,
  given: ReadonlySet<SettingName>,
  signal: AbortSignal,
): Promise<WorkerSource> {
  const address = addressOf(settings.WORKER_ENDPOINT);
  const configured = given.has("WORKER_ENDPOINT");
  if (!configured && !await isListening(address)) return { kind: "none" };
  signal.throwIfAborted();
  const credentials = workerCredentials(settings);
  using health = new WorkerHealth(address, credentials);
  const answer = await health.check(configured ? CONNECT_TIMEOUT_MS : ANSWER_TIMEOUT_MS);
  const ready = answer.health === "serving" || answer.health === "silent";
  const identity = ready ? await helloOf(address, credentials, ANSWER_TIMEOUT_MS) : undefined;
  if (configured) return { kind: "given", ready, identity };
  if (answer.health !== "unreachable") return { kind: "found", ready, identity };
  throw new StartupError([
    `WORKER_PORT must be the port of a worker or a free one, got ${settings.WORKER_PORT}: ` +
    `what listens at ${address} does not answer gRPC (${answer.detail})`,
  ]);
}

/**
 * Checks that the environment names the certificate of the worker that serve starts.
 * @throws {StartupError} when the engine would speak TLS to it and it would not
 */
export function requireWorkerCertificate(
  { WORKER_TLS_CA }: Pick<Settings, "WORKER_TLS_CA">,
  env: Readonly<Record<string, string>>,
): void {
  if (WORKER_TLS_CA === "" || env["WORKER_TLS_CERT"]) return;
  throw new StartupError([
    "WORKER_TLS_CERT and WORKER_TLS_KEY must be given with WORKER_TLS_CA: serve starts the worker itself",
  ]);
}

export async function isListening(address: string): Promise<boolean> {
  const colon = address.lastIndexOf(":");
  try {
    const connection = await Deno.connect({
      hostname: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS),
    });
    connection.close();
    return true;
  } catch {
    return false;
  }
}

/**
 * The endpoint of the worker: WORKER_ENDPOINT if given, else WORKER_PORT on this machine; 0 takes a free port.
 * @throws {StartupError} when it is the engine's own address
 */
export function workerEndpoint(settings: Settings, given: ReadonlySet<SettingName>): string {
  const { BIND_HOST, BIND_PORT, WORKER_ENDPOINT, WORKER_PORT } = settings;
  const endpoint = given.has("WORKER_ENDPOINT")
    ? WORKER_ENDPOINT
    : `${settings.WORKER_TLS_CA ? "https" : "http"}://127.0.0.1:${WORKER_PORT || freePort()}`;
  const own = [BIND_HOST, `[${BIND_HOST}]`, "127.0.0.1", "localhost", "[::1]"];
  if (own.some((host) => addressOf(endpoint) === `${host}:${BIND_PORT}`)) {
    const name = given.has("WORKER_ENDPOINT") ? "WORKER_ENDPOINT" : "WORKER_PORT";
    throw new StartupError([
      `${name} must not be the engine's own address (BIND_PORT ${BIND_PORT}), got ${endpoint}`,
    ]);
  }
  return endpoint;
}
