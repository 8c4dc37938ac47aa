/** What the engine writes: it waits for no reader, and what comes by the thousand is a few lines. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { lines } from "../src/supervisor/child.ts";
import type { CallOptions } from "@grpc/grpc-js";
import type { GenerateRequest } from "../src/grpc/generated/omnispan/GenerateRequest.ts";
import { KeyFile, withKey } from "./support/api_keys.ts";
import { refusal, ScriptedWorker, TestClient } from "./support/engine.ts";
import { LOCK } from "./support/process.ts";
import { freePort } from "../src/serve/free_port.ts";
import { ROOT, Serve } from "./support/serve.ts";
import { waitUntil } from "./support/wait.ts";

const UNIX = Deno.build.os !== "windows";

/** A pipe holds 64 KB; so many lines are also beyond what the engine keeps for a reader. */
const FLOOD = 8000;
const WAVE = 200;

function test(name: string, fn: () => Promise<void>): void {
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, ignore: !UNIX, sanitizeOps: false, sanitizeResources: false });
}

/** `serve` as a process whose stdout and stderr nobody reads until the test does. */
class UnreadServe extends TestClient {
  private constructor(address: string, private readonly child: Deno.ChildProcess) {
    super(address);
  }

  /** Resolves when it listens. */
  static async start(env: Record<string, string>): Promise<UnreadServe> {
    const port = freePort();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", LOCK, "-A", join(ROOT, "src/main.ts")],
      cwd: ROOT,
      env: {
        BIND_PORT: String(port),
        HTTP_PORT: "off",
        WORKER_PORT: String(freePort()),
        LOG_LEVEL: "debug",
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const serve = new UnreadServe(`127.0.0.1:${port}`, child);
    const listens = () =>
      Deno.connect({ hostname: "127.0.0.1", port }).then((connection) => {
        connection.close();
        return true;
      }, () => false);
    try {
      await waitUntil("serve listens", listens, 60_000);
      return serve;
    } catch (thrown) {
      await serve[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  async answers(): Promise<void> {
    const asked = { prompt: "hello", maxTokens: 1 };
    const answered = () => this.submit(asked, { deadline: Date.now() + 5000 });
    await waitUntil(
      "serve answers",
      () => answered().then(({ status }) => /^ok/.test(status), () => false),
      300_000,
    );
  }

  /** Sends requests that it refuses with a line each. */
  async flood(): Promise<void> {
    const bad = { prompt: "hello", requestId: "x".repeat(300) };
    for (let sent = 0; sent < FLOOD; sent += WAVE) {
      const errors = await Promise.all(Array.from({ length: WAVE }, () => refusal(this.submit(bad))));
      for (const { details } of errors) assert.match(details, /request_id must be at most/);
    }
  }

  stop(): void {
    this.child.kill("SIGTERM");
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.child.status;
  }

  /** Reads it to its end, and calls `stop` when a line says so. */
  async readLog(stopAt: RegExp): Promise<string[]> {
    const read: string[] = [];
    for await (const line of lines(this.child.stderr)) {
      read.push(line);
      if (stopAt.test(line)) this.stop();
    }
    return read;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.child.status;
    for (const stream of [this.child.stdout, this.child.stderr]) await stream.cancel().catch(() => {});
  }
}

test("while nobody reads its log the engine serves on; then it says how many lines were dropped", async () => {
  await using worker = new ScriptedWorker();
  await using serve = await UnreadServe.start({
    WORKER_ENDPOINT: await worker.address(),
    LOG_FORMAT: "json",
    ENGINE_MODE: "micro_batch",
    MAX_BATCH_SIZE: "2",
  });
  await serve.answers();
  await serve.flood();
  await serve.answers();
  // The scheduler thread has a line about this one.
  const asked = ["stray", "hello"].map((prompt) => serve.submit({ prompt, maxTokens: 1 }));
  for (const { status } of await Promise.all(asked)) assert.match(status, /^ok/);
  await serve.answers();
  const log = await serve.readLog(/lines were dropped here/);
  assert.equal((await serve.status).code, 0);
  const records = log.map((line) => JSON.parse(line) as { message: string; properties: { count?: number } });
  const dropped = records.filter(({ message }) => /^\d+ lines were dropped here/.test(message));
  const lost = dropped.reduce((sum, { properties }) => sum + (properties.count ?? 0), 0);
  const single = records.filter(({ message }) => /^request "x+" refused/.test(message));
  assert.ok(single.length > 0 && lost > 0, `${single.length} written, ${lost} dropped`);
  assert.ok(single.length + lost >= FLOOD, `${single.length} written, ${lost} dropped`);
});

test("it and its worker also end well while nobody reads anything of them", async () => {
  await using serve = await UnreadServe.start({
    WORKER_BACKEND: "sim",
    SIM_PROFILE: "null",
    WORKER_DEBUG_BATCH_LOGGING: "1",
  });
  await serve.answers();
  for (let sent = 0; sent < FLOOD; sent += WAVE) {
    const asked = Array.from({ length: WAVE }, () => serve.submit({ prompt: "hello", maxTokens: 1 }));
    for (const { status } of await Promise.all(asked)) assert.match(status, /^ok/);
  }
  await serve.flood();
  await serve.answers();
  serve.stop();
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, 20_000);
  const status = await Promise.race([serve.status, late.promise]);
  clearTimeout(timer);
  assert.equal(status && status.code, 0);
});

test("thousands of refusals and failures are a line a second for each cause, with count, caller and tenant", async () => {
  await using file = await KeyFile.create();
  const key = await file.add("alice");
  await using worker = new ScriptedWorker();
  const env = { WORKER_ENDPOINT: await worker.address(), API_KEYS_FILE: file.path };
  await using serve = new Serve({ env });
  await using client = new TestClient(await serve.address());
  const asked: ReadonlyArray<readonly [GenerateRequest, CallOptions, string]> = [
    [{ prompt: "hi" }, {}, "requests refused: N, unauthenticated: no API key was given"],
    [
      { prompt: "hi", maxTokens: 999_999 },
      withKey(key),
      "requests refused: N, invalid_argument: max_tokens must be",
    ],
    [{ prompt: "status=worker_timeout" }, withKey(key), "requests failed: N, worker_timeout"],
  ];
  const startedAt = performance.now();
  for (let sent = 0; sent < FLOOD / 4; sent += WAVE) {
    const waves = asked.map(([request, options]) =>
      Array.from({ length: WAVE }, () => client.submit(request, options).catch(() => {}))
    );
    await Promise.all(waves.flat());
  }
  const most = 2 + (performance.now() - startedAt) / 1000;
  serve.kill("SIGTERM");
  assert.equal((await serve.exit()).code, 0);
  for (const [, options, text] of asked) {
    const lines = serve.stderr.filter((line) => line.replace(/: \d+,/, ": N,").includes(text));
    const counted = lines.reduce((sum, line) => sum + Number(/: (\d+),/.exec(line)?.[1]), 0);
    assert.equal(counted, FLOOD / 4, text);
    assert.ok(lines.length <= most, `${lines.length} lines of ${text}`);
    for (const line of lines) {
      assert.match(line, /door=grpc .*peer=127\.0\.0\.1 firstRequestId=\S+$/);
      assert.equal(line.includes("tenantId=alice"), options !== asked[0]![1], line);
    }
  }
  assert.ok(!serve.stderr.some((line) => /^\S+ \S+ \S+ request /.test(line)), "single ones are for debug");
});
