import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import assert from "node:assert/strict";
import { hung, nextBackoff } from "./local_worker.ts";

/** grpc-js keeps timers and sockets for a moment after a close. */
const SANITIZE = { sanitizeOps: false, sanitizeResources: false };
const PATIENCE = { everyMs: 20, timeoutMs: 100, misses: 3 };

/** A gRPC server whose health check answers while `answers` says so, and hangs from then on. */
async function worker(answers: () => boolean): Promise<{ server: Server; address: string }> {
  const server = new Server();
  const health = new HealthImplementation({ "omnispan.Worker": "SERVING" });
  health.addToServer(server);
  const handlers =
    (server as unknown as { handlers: Map<string, { func: (...args: unknown[]) => void }> }).handlers;
  const check = handlers.get("/grpc.health.v1.Health/Check")!;
  const { func } = check;
  check.func = (...args) => answers() && func(...args);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, bound) => error ? reject(error) : resolve(bound),
    )
  );
  return { server, address: `127.0.0.1:${port}` };
}

Deno.test(
  "a worker that stops answering is found hung, one that answers now and then is not",
  SANITIZE,
  async () => {
    let checks = 0;
    const { server, address } = await worker(() => ++checks % 3 !== 0 && checks < 12);
    await hung(address, credentials.createInsecure(), new AbortController().signal, PATIENCE);
    assert.equal(checks, 14, "only the third silence in a row counts");
    server.forceShutdown();
  },
);

Deno.test("the watch ends with its signal", SANITIZE, async () => {
  const { server, address } = await worker(() => true);
  const over = new AbortController();
  const watching = hung(address, credentials.createInsecure(), over.signal, PATIENCE);
  setTimeout(() => over.abort(), 60);
  await assert.rejects(watching, { name: "AbortError" });
  server.forceShutdown();
});

Deno.test("waits between restarts double from half a second to ten", () => {
  const waits: number[] = [];
  for (let wait: number | undefined; waits.length < 7;) waits.push(wait = nextBackoff(wait, 0));
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

Deno.test("a worker that served for a while starts again soon", () => {
  assert.equal(nextBackoff(10_000, 29_999), 10_000);
  assert.equal(nextBackoff(10_000, 30_000), 500);
});
