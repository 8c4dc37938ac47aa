/** Workers and clients that are killed, stopped and restarted under load: real processes, real signals. */
import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Submission } from "../src/core/types.ts";
import { isAlive } from "../src/serve/launchers.ts";
import { engineFor, refusal, TestClient } from "./support/engine.ts";
import { KnownLoad } from "./support/known_load.ts";
import { TestProcess } from "./support/process.ts";
import { freePort } from "../src/serve/free_port.ts";
import { Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { pause, waitUntil } from "./support/wait.ts";

const UNIX = Deno.build.os !== "windows";

/** The worker reports every second; half as long again is the shortest that the engine takes for a hang. */
const SILENCE_MS = 1500;

/** So small a heap that what the engine keeps shows, and not when V8 last collected. */
const SMALL_HEAP = { DENO_V8_FLAGS: "--max-old-space-size=40,--max-semi-space-size=2" };

/** Streams of 150 to 450 ms. */
const PROFILE = { stepMs: 15 };
const LOAD = { clients: 12, fewestTokens: 10, mostTokens: 30 };

const KILLED_CLIENTS = 50;
const WAVE = 10;
const STREAMS_EACH = 4;

/**
 * What the engine's memory may rise from the first third of a test to its last. The runtime keeps about 30 KB of each
 * connection that was closed, and its heap grows to its working size.
 */
const SLACK_MB = 25;

function test(name: string, fn: () => Promise<void>): void {
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, ignore: !UNIX, sanitizeOps: false, sanitizeResources: false });
}

for (
  const { session, way, rounds, failures } of [
    {
      session: true,
      way: "with sessions",
      rounds: 24,
      failures: /^worker_unavailable$/,
    },
    {
      session: false,
      way: "without sessions",
      rounds: 12,
      failures: /^worker_(unavailable|transport_error|cancelled)$/,
    },
  ]
) {
  test(`a worker ${way} that is killed, ended or stopped ${rounds} times costs no request that has not begun`, async () => {
    const port = freePort();
    let worker = await SimWorker.start({ profile: PROFILE, session, port });
    try {
      await using serve = new Serve({
        flags: ["--worker-endpoint", worker.address, "--engine-mode", "continuous"],
        env: { ...SMALL_HEAP, WORKER_SILENCE_MS: String(SILENCE_MS), WORKER_TRIES: "10", LOG_LEVEL: "error" },
      });
      await using client = new TestClient(await serve.address());
      const load = await KnownLoad.start(client, LOAD, failures);
      const memory: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const { answered } = load.tally;
        await waitUntil("answers come", () => {
          load.check();
          return load.tally.answered > answered + 2 * LOAD.clients;
        });
        memory.push(residentMb(serve.pid) ?? 0);
        const signal = (["SIGKILL", "SIGTERM", "SIGSTOP"] as const)[round % 3];
        worker.kill(signal!);
        if (signal === "SIGSTOP") {
          // Every other time for so long that it counts as hanging; a worker without sessions can't be found to hang.
          await pause(session && round % 2 === 0 ? 1.5 * SILENCE_MS : SILENCE_MS / 4);
          worker.kill("SIGCONT");
        } else {
          await worker.exit();
          worker = await SimWorker.start({ profile: PROFILE, session, port });
        }
      }
      await load.stop();
      const { answered, broken, sentAgain } = load.tally;
      await client.settled();
      const stats = await client.stats();
      assert.equal(stats.queuedBytes, 0);
      assert.equal(stats.acceptedRequests, answered + broken, "every request had one end");
      assert.equal(stats.retriedRequests, sentAgain);
      assert.ok(
        sentAgain > 0 && broken > 0,
        `the faults were felt: ${sentAgain} sent again, ${broken} broken`,
      );
      assert.ok(growth(memory) < SLACK_MB, `the engine grew: ${memory.map(Math.round)} MB`);
    } finally {
      await worker[Symbol.asyncDispose]();
    }
  });
}

for (const session of [true, false]) {
  test(`a request that ends its worker ${session ? "" : "without sessions "}fails alone, and its batch is answered`, async () => {
    const profile = { stepMs: 5, exitOn: "poison" };
    const port = freePort();
    let worker = await SimWorker.start({ profile, session, port });
    let ends = 0;
    try {
      await using engine = await engineFor(worker.address, {
        ENGINE_MODE: "micro_batch",
        BATCH_WINDOW_MS: 3000,
        MAX_BATCH_SIZE: 8,
        WORKER_TRIES: 2,
        WORKER_WAIT_MS: 60_000,
      });
      await engine.connected();
      const prompts = Array.from({ length: 8 }, (_, i) => i === 5 ? "a poison" : `question ${i}`);
      const answers = prompts.map((prompt, i) =>
        // Without sessions a stream is a call of its own, and may have begun when the poison comes.
        session && i % 2 === 0
          ? engine.stream({ prompt, maxTokens: 4 }).last
          : engine.submit({ prompt, maxTokens: 4 })
      );
      const all = Promise.all(answers);
      const over = all.then(() => true, () => true);
      while (!await Promise.race([over, worker.exit().then(() => false)])) {
        ends++;
        worker = await SimWorker.start({ profile, session, port });
      }
      const statuses = (await all).map(({ status }) => status.split(" ")[0]);
      assert.deepEqual(
        statuses,
        prompts.map((prompt) => prompt === "a poison" ? "worker_runtime_error" : "ok"),
      );
      assert.match((await all)[5]!.errorMessage, /sent 5 times .* with no other request at it/);
      assert.equal(ends, 5, "it was alone after 8, 8, 4 and 2");
      assert.ok((await all).every(({ dispatch }) => dispatch!.attempts <= 5));
      await engine.settled();
    } finally {
      await worker[Symbol.asyncDispose]();
    }
  });
}

test("clients killed in the midst of their streams free their rows and cost the others nothing", async () => {
  await using worker = await SimWorker.start({ profile: PROFILE });
  await using serve = new Serve({
    flags: ["--worker-endpoint", worker.address, "--engine-mode", "continuous"],
    env: { LOG_LEVEL: "error" },
  });
  const address = await serve.address();
  await using client = new TestClient(address);
  const load = await KnownLoad.start(client, { ...LOAD, clients: 2 }, /^never$/);
  const memory: number[] = [];
  for (let wave = 0; wave < KILLED_CLIENTS / WAVE; wave++) {
    await using killed = new AsyncDisposableStack();
    const clients = Array.from({ length: WAVE }, () => killed.use(streamClient(address, STREAMS_EACH)));
    await Promise.all(clients.map((one) => one.waitFor(/all have begun/, 60_000)));
    await waitUntil("all their streams run", async () => {
      return ((await client.stats()).load?.running ?? 0) >= WAVE * STREAMS_EACH;
    });
    for (const one of clients) one.kill("SIGKILL");
    await waitUntil("their rows are free", async () => {
      load.check();
      const { inFlight, load: rows } = await client.stats();
      return inFlight <= 4 && rows!.running + rows!.waiting <= 4;
    });
    memory.push(residentMb(serve.pid) ?? 0);
  }
  await load.stop();
  assert.ok(load.tally.answered > 0);
  assert.equal(load.tally.broken, 0);
  await client.settled();
  assert.ok(growth(memory) < SLACK_MB, `the engine grew: ${memory.map(Math.round)} MB`);
});

function streamClient(address: string, streams: number): TestProcess {
  const script = fileURLToPath(new URL("./support/stream_client.ts", import.meta.url));
  return new TestProcess(Deno.execPath(), { args: ["run", "-A", script, address, String(streams)] });
}

test("a worker that hangs is found out, killed and replaced, and what had not begun is answered", async () => {
  await using serve = await serveWithSim();
  await using client = new TestClient(await serve.address());
  const first = serve.workerPid();
  const deadline = Date.now() + 90_000;
  const begun = client.stream({ prompt: "begun", maxTokens: 1000 }, { deadline });
  await waitUntil("it runs", () => begun.chunks.length > 0);
  const whole = client.submit({ prompt: "in one piece", maxTokens: 150 }, { deadline });
  await waitUntil("both are at the worker", async () => (await client.stats()).inFlight === 2);
  Deno.kill(first, "SIGSTOP");
  const broken = await begun.last;
  assert.equal(broken.status, "worker_unavailable");
  assert.match(
    broken.errorMessage,
    new RegExp(`said nothing for ${SILENCE_MS} ms .* after ${begun.tokens} tokens of this answer`),
  );
  assert.match((await client.stats()).workerDetail, /said nothing for/);
  const next = client.stream({ prompt: "next", maxTokens: 3 }, { deadline });
  assert.match((await next.last).status, /^ok/);
  assert.equal((await next.last).dispatch!.attempts, 1);
  assert.match((await whole).status, /^ok/);
  assert.equal((await whole).dispatch!.attempts, 2);
  assert.ok(!isAlive(first), "a stopped process holds its memory for ever");
  assert.notEqual(serve.workerPid(), first);
  await serve.waitFor(/lives but answers no health check: it is killed/, 1000, serve.stderr);
  const { workerRestarts, workerState, workerDetail } = await client.stats();
  assert.deepEqual([workerRestarts, workerState, workerDetail], [1, "up", ""]);
  await client.settled();
});

test("a worker that dies soon after each start is reported as a crash loop, and is served by once it stays", async () => {
  await using serve = await serveWithSim();
  await using client = new TestClient(await serve.address());
  const killed = new Set<number>();
  for (let i = 0; i < 3; i++) {
    await waitUntil("the next worker runs", () => !killed.has(serve.workerPid()), 30_000);
    killed.add(serve.workerPid());
    Deno.kill(serve.workerPid(), "SIGKILL");
  }
  await serve.waitFor(/crash loop: 3 ends in a row, each within 30 s of its start/, 30_000, serve.stderr);
  const looping = await client.stats();
  assert.match(looping.workerDetail, /crash loop: 3 ends in a row.*SIGKILL/);
  assert.equal(looping.workerRestarts, 3);
  assert.equal(looping.workerState, "down");
  const reply = await client.submit({ prompt: "x", maxTokens: 2 });
  assert.match(reply.status, /^ok/, reply.errorMessage);
  await waitUntil("nothing is wrong any more", async () => (await client.stats()).workerDetail === "");
});

test("a scheduler thread that dies ends each stream with an error, and the next stream works", async () => {
  await using worker = await SimWorker.start({ profile: { stepMs: 20 } });
  await using engine = await engineFor(worker.address, {
    ENGINE_MODE: "continuous",
    MAX_CONCURRENT_STREAMS: 4,
  });
  await engine.connected();
  const streams = Array.from({ length: 6 }, (_, i) => engine.stream({ prompt: `p${i}`, maxTokens: 500 }));
  await waitUntil("four run", () => streams.slice(0, 4).every(({ chunks }) => chunks.length > 0));
  const { answer: poison } = engine.engine.scheduler.submit(
    { submission: undefined as unknown as Submission, mode: "direct", transport: "grpc", trace: undefined },
  );
  await assert.rejects(poison, /scheduler thread died/);
  for (const stream of streams) {
    const error = await refusal(stream.last);
    assert.equal(error.code, Status.INTERNAL);
    assert.match(error.details, /scheduler thread died/);
  }
  const next = engine.stream({ prompt: "next", maxTokens: 5 });
  assert.match((await next.last).status, /^ok/);
  assert.equal(next.tokens, 5);
  await waitUntil("the dead thread's rows are free", async () => {
    const { load } = await engine.stats();
    return load?.running === 0 && load.waiting === 0;
  });
  await engine.settled();
});

/** `serve` with a simulated worker of its own, ready. */
function serveWithSim(): Promise<Serve> {
  return Serve.answering({
    flags: ["--engine-mode", "continuous"],
    env: { SIM_PROFILE: "fixed20", WORKER_SILENCE_MS: String(SILENCE_MS) },
  });
}

/** Resident memory of a process in MB; undefined where the system does not report it. */
function residentMb(pid: number): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const match = /^VmRSS:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
  return match ? Number(match[1]) / 1024 : undefined;
}

/** How much higher the samples' last third lies than their first; 0 where there are none. */
function growth(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return 0;
  return mean(samples.slice(-third)) - mean(samples.slice(0, third));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
