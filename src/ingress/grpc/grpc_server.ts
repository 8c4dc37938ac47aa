import { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import type { Settings } from "../../config/config.ts";
import { reflected } from "../../grpc/contract.ts";
import type { KeyPair } from "../../access/secret_files.ts";
import type { Supervision, ThreadStats, WorkerState } from "../../core/types.ts";
import type { Ingress } from "../ingress.ts";
import { GrpcListener } from "../../runtime_patches/grpc_listener.ts";
import { engineService } from "./engine_service.ts";
import { checkedService } from "./message_parts.ts";

/** What reflection lists: the contract also holds the worker's service, which is not served here. */
const SERVICES = ["omnispan.Engine", "grpc.health.v1.Health"];

/** How long the last replies get to leave when the server closes. */
const FLUSH_MS = 250;

/** The engine's gRPC server: Engine, health and reflection on one port. */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #listener: GrpcListener;
  readonly #health = new HealthImplementation({
    "": "NOT_SERVING",
    "omnispan.Engine": "NOT_SERVING",
    "omnispan.Worker": "NOT_SERVING",
  });

  private readonly settings: Settings;

  /** `stats`: the scheduler's figures, for all who want them. */
  constructor(
    ingress: Ingress,
    supervision: Supervision,
    stats: () => Promise<ThreadStats>,
    certificate: KeyPair | undefined,
  ) {
    const settings = this.settings = ingress.settings;
    this.#server = new Server({
      // Room to refuse a prompt that is somewhat too long by name rather than by size of the message.
      "grpc.max_receive_message_length": 2 * settings.MAX_PROMPT_BYTES + 4 * 2 ** 20,
      "grpc.max_send_message_length": -1,
      "grpc.enable_channelz": 0,
      // Finds clients whose host has vanished; every gRPC library answers by itself.
      "grpc.keepalive_time_ms": 60_000,
      "grpc.keepalive_timeout_ms": 20_000,
    });
    this.#listener = new GrpcListener(this.#server, {
      host: settings.BIND_HOST,
      maxConnections: settings.MAX_CONNECTIONS,
      certificate,
    });
    this.#server.addService(checkedService(settings), engineService(ingress, supervision, stats));
    this.#health.addToServer(this.#server);
    new ReflectionService(reflected, { services: SERVICES }).addToServer(this.#server);
  }

  /**
   * Starts to listen and returns the port.
   * @throws {StartupError} when the address can't be had.
   */
  async listen(): Promise<number> {
    const port = await this.#listener.listen(this.settings.BIND_PORT);
    this.#health.setStatus("", "SERVING");
    this.#health.setStatus("omnispan.Engine", "SERVING");
    return port;
  }

  setWorkerState(state: WorkerState): void {
    this.#health.setStatus("omnispan.Worker", state === "up" ? "SERVING" : "NOT_SERVING");
  }

  /** Tells health checks, also those that connect now, that the engine takes no more. */
  announceStop(): void {
    for (const service of ["", "omnispan.Engine", "omnispan.Worker"]) {
      this.#health.setStatus(service, "NOT_SERVING");
    }
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.announceStop();
    await this.#listener.close();
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.#server.tryShutdown(() => resolve());
    const timer = setTimeout(resolve, FLUSH_MS);
    await closed;
    clearTimeout(timer);
    this.#server.forceShutdown();
  }
}
