import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import assert from "node:assert/strict";
import { WorkerHealth } from "./worker_health.ts";

/** grpc-js keeps timers and sockets for a moment after a close. */
const SANITIZE = { sanitizeOps: false, sanitizeResources: false };

async function listen(server: Server, port = 0): Promise<number> {
  return await new Promise((resolve, reject) =>
    server.bindAsync(
      `127.0.0.1:${port}`,
      ServerCredentials.createInsecure(),
      (error, bound) => error ? reject(error) : resolve(bound),
    )
  );
}

Deno.test("a worker's health is told as it changes", SANITIZE, async () => {
  const server = new Server();
  const health = new HealthImplementation({ "omnispan.Worker": "NOT_SERVING" });
  health.addToServer(server);
  using worker = new WorkerHealth(`127.0.0.1:${await listen(server)}`, credentials.createInsecure());
  assert.equal((await worker.check(5000)).health, "not_serving");
  health.setStatus("omnispan.Worker", "SERVING");
  assert.equal((await worker.check(5000)).health, "serving");
  server.forceShutdown();
});

Deno.test("a gRPC server without a health service is silent, not unreachable", SANITIZE, async () => {
  const server = new Server();
  using worker = new WorkerHealth(`127.0.0.1:${await listen(server)}`, credentials.createInsecure());
  assert.equal((await worker.check(5000)).health, "silent");
  server.forceShutdown();
});

Deno.test("one connection finds a worker that comes later", SANITIZE, async () => {
  const probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = probe.addr;
  probe.close();
  using worker = new WorkerHealth(`127.0.0.1:${port}`, credentials.createInsecure());
  const before = await worker.check(1000);
  assert.equal(before.health, "unreachable");
  assert.notEqual(before.detail, "");
  const server = new Server();
  new HealthImplementation({ "omnispan.Worker": "SERVING" }).addToServer(server);
  await listen(server, port);
  const end = Date.now() + 10_000;
  while ((await worker.check(1000)).health !== "serving") assert.ok(Date.now() < end, "never found");
  server.forceShutdown();
});
