/** How `serve` and its worker end while they are at work: real processes, real signals. */
import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { isAlive } from "../src/serve/launchers.ts";
import { type ReadStream, refusal, TestClient } from "./support/engine.ts";
import { HealthClient, healthNow } from "./support/health.ts";
import { Serve } from "./support/serve.ts";
import { pause, waitUntil } from "./support/wait.ts";

/** Two signals that come closer count as one. */
const SAME_MS = 500;

/** So long that no test waits for it. */
const FOR_EVER_MS = 600_000;

/** A step takes 20 ms. */
const TOKENS_PER_S = 50;

function test(name: string, fn: () => Promise<void>): void {
  const ignore = Deno.build.os === "windows";
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, ignore, sanitizeOps: false, sanitizeResources: false });
}

/** `serve` with a worker of its own, ready. */
function serving(env: Record<string, string> = {}): Promise<Serve> {
  return Serve.answering({ env: { ENGINE_MODE: "continuous", SIM_PROFILE: "fixed20", ...env } });
}

function begun(...streams: ReadStream[]): Promise<void> {
  return waitUntil("they have begun", () => streams.every(({ chunks }) => chunks.length > 0));
}

function stopping(serve: Serve): Promise<unknown> {
  return serve.waitFor(/^serve: stopping; Ctrl-C once more ends at once/, 10_000, serve.stderr);
}

const SERVICES = ["", "omnispan.Engine", "omnispan.Worker"];

test("SIGTERM: health says so, new requests are refused, what runs goes on for DRAIN_TIMEOUT_MS, then ends", async () => {
  const drainMs = 3000;
  await using serve = await serving({ DRAIN_TIMEOUT_MS: String(drainMs) });
  const address = await serve.address();
  await using client = new TestClient(address);
  using health = new HealthClient(address);
  for (const name of SERVICES) assert.equal(await health.status(name), "SERVING");
  const asked = { prompt: "ends in time", maxTokens: TOKENS_PER_S };
  const [expected] = [(await client.submit(asked)).responseText];
  const short = client.stream(asked);
  const long = client.stream({ prompt: "never ends", maxTokens: 4000 });
  await begun(short, long);
  const unary = client.submit(asked);
  const endless = refusal(client.submit({ prompt: "never ends", maxTokens: 4000 }));
  await waitUntil("all run", async () => (await client.stats()).inFlight === 4);

  const signalledAt = performance.now();
  serve.kill("SIGTERM");
  await stopping(serve);
  await waitUntil("health says so", async () => await health.status() === "NOT_SERVING");
  for (const name of SERVICES) {
    assert.equal(await health.status(name), "NOT_SERVING");
    assert.equal(await healthNow(address, name), "NOT_SERVING", "on a new connection too");
  }
  await using newcomer = new TestClient(address);
  for (const caller of [client, newcomer]) {
    for (const refused of [caller.submit({ prompt: "x" }), caller.stream({ prompt: "x" }).last]) {
      const error = await refusal(refused);
      assert.equal(error.code, Status.UNAVAILABLE);
      assert.match(error.details, /the engine is stopping/);
    }
  }
  assert.match((await short.last).status, /^ok/);
  assert.equal(short.text, expected);
  assert.equal((await unary).responseText, expected);
  const tokens = long.tokens;
  for (const ended of [await refusal(long.last), await endless]) {
    assert.equal(ended.code, Status.UNAVAILABLE);
    assert.match(ended.details, /stopped before the answer was complete \(DRAIN_TIMEOUT_MS\)/);
  }
  assert.ok(performance.now() - signalledAt >= drainMs - 50, "they had the whole of the time");
  assert.ok(long.tokens > tokens, "it went on meanwhile");
  assert.equal((await serve.exit()).code, 0);
  assert.ok(!isAlive(serve.workerPid()), "the worker has ended too");
});

test("a stop does not wait once the last request has ended", async () => {
  await using serve = await serving({ DRAIN_TIMEOUT_MS: String(FOR_EVER_MS) });
  await using client = new TestClient(await serve.address());
  const stream = client.stream({ prompt: "the last", maxTokens: TOKENS_PER_S });
  await begun(stream);
  serve.kill("SIGTERM");
  assert.equal((await stream.last).outputTokens, TOKENS_PER_S);
  assert.equal((await serve.exit()).code, 0);
});

test("a second SIGTERM ends at once with 130, but not one that comes with the first", async () => {
  await using serve = await serving({ DRAIN_TIMEOUT_MS: String(FOR_EVER_MS) });
  await using client = new TestClient(await serve.address());
  const stream = client.stream({ prompt: "never ends", maxTokens: 4000 });
  await begun(stream);
  const worker = serve.workerPid();
  serve.kill("SIGTERM");
  serve.kill("SIGTERM");
  await stopping(serve);
  await pause(2 * SAME_MS);
  const { tokens } = stream;
  await waitUntil("the stream goes on", () => stream.tokens > tokens);
  serve.kill("SIGTERM");
  assert.equal((await serve.exit(5000)).code, 130);
  assert.equal((await refusal(stream.last)).code, Status.UNAVAILABLE);
  await waitUntil("the worker has ended", () => !isAlive(worker));
});

for (const session of [true, false]) {
  const way = session ? "with sessions" : "without sessions";
  test(`a worker ${way} that gets SIGTERM ends what it runs, and what waits goes to its successor`, async () => {
    await using serve = await serving({ WORKER_SESSION: session ? "1" : "0" });
    const address = await serve.address();
    await using client = new TestClient(address);
    using health = new HealthClient(address);
    const first = serve.workerPid();
    const asked = { prompt: "runs", maxTokens: 3 * TOKENS_PER_S };
    const running = client.stream(asked);
    const whole = client.submit(asked);
    await begun(running);
    await waitUntil("both run", async () => (await client.stats()).inFlight === 2);
    Deno.kill(first, "SIGTERM");
    // A worker with a session says so by itself; the other one turns the next request away.
    const early = session ? undefined : client.stream({ prompt: "early", maxTokens: 2 });
    await waitUntil("it is known to be draining", async () => {
      return (await client.stats()).workerState === "draining";
    });
    assert.equal(await health.status("omnispan.Worker"), "NOT_SERVING");
    assert.equal(await health.status("omnispan.Engine"), "SERVING");
    assert.match((await client.stats()).workerDetail, /the worker is stopping/);
    const waiting = client.stream({ prompt: "waits", maxTokens: 2 });
    const waitingWhole = client.submit({ prompt: "waits", maxTokens: 2 });
    await waitUntil("they wait", async () => (await client.stats()).queueDepth >= 2);
    assert.match((await running.last).status, /^ok/, (await running.last).errorMessage);
    assert.equal((await running.last).outputTokens, asked.maxTokens);
    assert.equal(running.text, (await whole).responseText);
    assert.equal((await waiting.last).status, "ok");
    assert.equal(waiting.text, (await waitingWhole).responseText);
    assert.equal((await waiting.last).dispatch!.attempts, 1, "it was never sent to the one that stops");
    if (early) {
      assert.ok((await early.last).dispatch!.attempts <= 2, "it was not sent to the one that stops again");
    }
    await serve.waitFor(/the worker ended with exit code 0/, 20_000, serve.stderr);
    assert.equal((await client.stats()).workerRestarts, 1);
    assert.notEqual(serve.workerPid(), first);
    await client.settled();
  });
}
