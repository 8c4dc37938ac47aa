import {
  type ChannelCredentials,
  Client,
  Metadata,
  type MethodDefinition,
  status as Status,
} from "@grpc/grpc-js";
import { service } from "grpc-health-check";
import type { Millis } from "../core/types.ts";

/** What a worker said, or how it didn't, when asked for the health of `omnispan.Worker`. */
export interface HealthAnswer {
  /** `silent`: it speaks gRPC but tells no health of this service; `unreachable`: no gRPC answer at all. */
  readonly health: "serving" | "not_serving" | "silent" | "unreachable";
  /** What the connection said, when unreachable. */
  readonly detail: string;
}

interface HealthCheckResponse {
  readonly status: string;
}

const CHECK = service["Check"] as MethodDefinition<{ service: string }, HealthCheckResponse>;

/** Asks one worker for its health (grpc.health.v1), as often as wanted, over one connection. */
export class WorkerHealth implements Disposable {
  readonly #client: Client;

  /** `address` is host:port. */
  constructor(address: string, credentials: ChannelCredentials) {
    this.#client = new Client(address, credentials, {
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
      "grpc.enable_http_proxy": 0, // a proxy for the web is no way to a worker
    });
  }

  /** Never rejects. */
  check(timeoutMs: Millis): Promise<HealthAnswer> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        CHECK.path,
        CHECK.requestSerialize,
        CHECK.responseDeserialize,
        { service: "omnispan.Worker" },
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          if (!error) {
            const health = response?.status === "SERVING" ? "serving" : "not_serving";
            resolve({ health, detail: "" });
          } else if (error.code === Status.UNIMPLEMENTED || error.code === Status.NOT_FOUND) {
            resolve({ health: "silent", detail: "" });
          } else {
            resolve({ health: "unreachable", detail: error.details });
          }
        },
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
