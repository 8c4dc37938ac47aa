import { Client, credentials, Metadata, type MethodDefinition } from "@grpc/grpc-js";
import { service } from "grpc-health-check";

const CHECK = service["Check"] as MethodDefinition<{ service: string }, { status: string }>;

/** Asks for health (grpc.health.v1) over a connection of its own, which lives as long as this. */
export class HealthClient implements Disposable {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  }

  /** "SERVING", "NOT_SERVING"; rejects with a gRPC error. */
  status(name = ""): Promise<string> {
    return new Promise((resolve, reject) =>
      this.#client.makeUnaryRequest(
        CHECK.path,
        CHECK.requestSerialize,
        CHECK.responseDeserialize,
        { service: name },
        new Metadata(),
        { deadline: Date.now() + 10_000 },
        (error, response) => error ? reject(error) : resolve(response!.status),
      )
    );
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** The same over a connection made for this one question. */
export async function healthNow(address: string, name = ""): Promise<string> {
  using client = new HealthClient(address);
  return await client.status(name);
}
