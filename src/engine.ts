import { ApiKeys } from "./access/api_keys.ts";
import { now } from "./clock.ts";
import { hostAndPort, SECRET_FILES, type Settings } from "./config/config.ts";
import { workerCredentials } from "./workers/worker_credentials.ts";
import { StartupError } from "./core/errors.ts";
import { readCertificate } from "./ingress/certificate.ts";
import { Ingress } from "./ingress/ingress.ts";
import { GrpcServer } from "./ingress/grpc/grpc_server.ts";
import { EventLoopLag } from "./observe/event_loop_lag.ts";
import { LiveFeed } from "./observe/live/live.ts";
import { Metrics } from "./observe/metrics/metrics.ts";
import type { Observer } from "./observe/observer.ts";
import { tracingOf } from "./observe/traces/tracing.ts";
import { warnOfExposure } from "./access/secret_files.ts";
import { SchedulerHandle } from "./scheduler/handle.ts";
import type { Supervision } from "./core/types.ts";

/** A running engine. */
export interface Engine extends AsyncDisposable {
  /** host:port at which it serves gRPC. */
  readonly address: string;
  /** host:port at which it serves HTTP; undefined when HTTP_PORT is off. */
  readonly httpAddress: string | undefined;
  readonly scheduler: SchedulerHandle;
}

/**
 * Starts the scheduler thread, and the gRPC and HTTP servers. The worker may come later.
 * @throws {StartupError} when an address can't be had, or a file of the settings can't be used
 */
export async function startEngine(
  settings: Settings,
  supervision: Supervision = { restarts: 0, problem: "" },
): Promise<Engine> {
  requireKeysBeyondThisMachine(settings);
  workerCredentials(settings); // a file that can't be used ends the start, not the scheduler thread
  const certificate = readCertificate(settings);
  await using parts = new AsyncDisposableStack();
  const keys = settings.API_KEYS_FILE ? parts.use(await ApiKeys.open(settings.API_KEYS_FILE)) : undefined;
  for (const name of SECRET_FILES) if (settings[name]) warnOfExposure(name, settings[name]);
  const scheduler = parts.use(
    new SchedulerHandle(settings, {
      workerState(state) {
        grpc.setWorkerState(state);
        live.workerChanged();
      },
      dispatched: (dispatch, members) => ingress.dispatched(dispatch, members),
    }),
  );
  const worker = () => scheduler.worker;
  const startedAt = now();
  const metrics = new Metrics({
    settings,
    startedAt,
    worker,
    supervision,
    stats: () => scheduler.stats(),
    lag: parts.use(new EventLoopLag()),
  });
  const live = parts.use(
    new LiveFeed({
      settings,
      startedAt,
      counts: metrics.counts,
      worker,
      supervision,
      stats: () => metrics.stats(),
      openRequests: () => scheduler.openRequests,
      stopping: () => scheduler.stopping,
    }),
  );
  const tracing = parts.use(tracingOf(() => scheduler.worker.identity));
  const observers: Observer[] = [metrics, live, ...(tracing ? [tracing] : [])];
  const ingress = parts.use(new Ingress(settings, scheduler, keys, observers, tracing));
  const grpc = parts.use(new GrpcServer(ingress, supervision, () => metrics.stats(), certificate));
  let http: number | undefined;
  if (settings.HTTP_PORT !== "off") {
    const { HttpIngress } = await import("./ingress/http/http_ingress.ts"); // who closes it does not wait for its libraries
    http = await parts.use(await HttpIngress.load(ingress, { metrics, live }, certificate)).listen();
  }
  const port = await grpc.listen();
  parts.defer(() => scheduler[Symbol.asyncDispose]());
  parts.defer(() => grpc.announceStop());
  const running = parts.move();
  return {
    address: hostAndPort(settings.BIND_HOST, port),
    httpAddress: http === undefined ? undefined : hostAndPort(settings.BIND_HOST, http),
    scheduler,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

/** @throws {StartupError} when others could use the engine without being asked who they are */
function requireKeysBeyondThisMachine({ BIND_HOST, API_KEYS_FILE, ALLOW_NO_KEYS }: Settings): void {
  if (LOOPBACK.test(BIND_HOST) || API_KEYS_FILE !== "" || ALLOW_NO_KEYS) return;
  throw new StartupError([
    `BIND_HOST must be an address of this machine alone (127.0.0.1) while there are no API keys, got ${BIND_HOST}: ` +
    "set API_KEYS_FILE (deno task keys new), or ALLOW_NO_KEYS=1 to let everybody in who can reach it",
  ]);
}
