import type { Supervision } from "./ingress/engine_service.ts";
import { GrpcServer } from "./ingress/grpc_server.ts";
import { SchedulerHandle } from "./scheduler/handle.ts";
import { hostAndPort, type Settings } from "./config.ts";

/** A running engine. */
export interface Engine extends AsyncDisposable {
  /** host:port that clients reach it at. */
  readonly address: string;
  readonly scheduler: SchedulerHandle;
}

/**
 * Starts the scheduler thread and the gRPC door. The worker may come later.
 * @throws {StartupError} when the address can't be had.
 */
export async function startEngine(
  settings: Settings,
  supervision: Supervision = { restarts: 0, problem: "" },
): Promise<Engine> {
  await using parts = new AsyncDisposableStack();
  const scheduler = parts.use(new SchedulerHandle(settings, (state) => server.setWorkerState(state)));
  const server = parts.use(new GrpcServer(settings, scheduler, supervision));
  const port = await server.listen();
  parts.defer(() => scheduler[Symbol.asyncDispose]());
  parts.defer(() => server.announceStop());
  const running = parts.move();
  return {
    address: hostAndPort(settings.BIND_HOST, port),
    scheduler,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
