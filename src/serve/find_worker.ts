import { addressOf, type SettingName, type Settings } from "../config/config.ts";
import { workerCredentials } from "../workers/worker_credentials.ts";
import { WorkerHealth } from "../workers/worker_health.ts";
import { helloOf } from "../workers/worker_hello.ts";
import { StartupError } from "../core/errors.ts";
import { freePort } from "./free_port.ts";
import type { WorkerHello } from "../core/types.ts";

const CONNECT_TIMEOUT_MS = 2000;
const ANSWER_TIMEOUT_MS = 5000;

/** A worker that somebody else has started, or will. */
interface Foreign {
  /** It serves now. */
  readonly ready: boolean;
  /** Undefined while it does not serve, and of a worker that has no sessions to say it. */
  readonly identity: WorkerHello | undefined;
}

/** Where the engine's worker comes from. */
export type WorkerSource =
  /** Configured: whatever is there, or will be. */
  | ({ readonly kind: "given" } & Foreign)
  /** Not configured, but somebody runs one where we would. */
  | ({ readonly kind: "found" } & Foreign)
  /** None there: ours to start. */
  | { readonly kind: "none" };

/**
 * Looks who is at `settings.WORKER_ENDPOINT`.
 * @throws {StartupError} when none was configured and what listens there is no worker.
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
 * The worker that serve starts has its certificate from our environment.
 * @throws {StartupError} when it would speak no TLS and the engine would
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
 * The endpoint of the worker: the given one, else the local port of the settings, which is chosen here when it is 0.
 * @throws {StartupError} when it is the engine's own.
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
