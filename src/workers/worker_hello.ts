import type { ChannelCredentials } from "@grpc/grpc-js";
import { omnispan } from "../grpc/contract.ts";
import type { WorkerEvent__Output } from "../grpc/generated/omnispan/WorkerEvent.ts";
import type { Millis, WorkerHello } from "../core/types.ts";

/** What a worker says of itself as a session opens; undefined when it has no sessions or says nothing in time. */
export function helloOf(
  address: string,
  credentials: ChannelCredentials,
  timeoutMs: Millis,
): Promise<WorkerHello | undefined> {
  const stub = new omnispan.Worker(address, credentials, {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0, // a proxy for the web is no way to a worker
  });
  const { promise, resolve } = Promise.withResolvers<WorkerHello | undefined>();
  const session = stub.session({ deadline: Date.now() + timeoutMs });
  session.on("data", ({ hello }: WorkerEvent__Output) => resolve(hello ?? undefined));
  session.on("error", () => resolve(undefined));
  session.on("end", () => resolve(undefined));
  return promise.finally(() => {
    session.cancel();
    stub.close();
  });
}
