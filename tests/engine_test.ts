import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import type { Settings } from "../src/config/config.ts";
import { MODES } from "../src/core/modes/modes.ts";
import type { Submission } from "../src/core/types.ts";
import { engineFor, refusal, ScriptedWorker } from "./support/engine.ts";
import { pause, waitUntil } from "./support/wait.ts";

/** grpc-js keeps timers and sockets for a moment after a close. */
const SANITIZE = { sanitizeOps: false, sanitizeResources: false };

const MICRO_BATCH = { ENGINE_MODE: "micro_batch", MAX_BATCH_SIZE: 4, BATCH_WINDOW_MS: 50 } as const;

function sawCall(worker: ScriptedWorker, requestId: string): boolean {
  return worker.calls().some(({ requests }) =>
    requests.some((request) => request.requestId.startsWith(requestId))
  );
}

function engineTest(
  name: string,
  settings: Partial<Settings>,
  body: (engine: Awaited<ReturnType<typeof engineFor>>, worker: ScriptedWorker) => Promise<void>,
): void {
  Deno.test({
    name,
    ...SANITIZE,
    async fn() {
      await using worker = new ScriptedWorker();
      await using engine = await engineFor(await worker.address(), settings);
      await engine.connected();
      await body(engine, worker);
      await engine.settled();
    },
  });
}

engineTest("direct answers, echoes the ids and makes up a missing one", {}, async (engine) => {
  const reply = await engine.submit({ requestId: "r1", tenantId: "t1", prompt: "hello", maxTokens: 7 });
  assert.equal(reply.requestId, "r1");
  assert.equal(reply.tenantId, "t1");
  assert.equal(reply.responseText, "echo:hello");
  assert.equal(reply.outputTokens, 7);
  assert.equal(reply.status, "ok");
  assert.equal(reply.dispatch?.reason, "DISPATCH_REASON_DIRECT");
  assert.match((await engine.submit({ prompt: "hello" })).requestId, /^[0-9a-f-]{36}$/);
});

engineTest(
  "queued lets one at a time to the worker, in order",
  { ENGINE_MODE: "queued" },
  async (engine, worker) => {
    const replies = await Promise.all(
      ["a", "b", "c"].map((id) => engine.submit({ requestId: id, prompt: "sleep=30" })),
    );
    for (const { status } of replies) assert.match(status, /^ok queue_wait_ms=\d+\.\d\d$/);
    const waits = replies.map(({ status }) => Number(status.split("queue_wait_ms=")[1]));
    // They come at once, or on a busy machine nearly so; each waits for the 30 ms of those before it.
    assert.ok(waits[0]! < waits[1]! && waits[1]! < waits[2]! && waits[2]! - waits[0]! > 30, `waits ${waits}`);
    await waitUntil("its report is read", () => worker.calls().length >= 3);
    assert.deepEqual(worker.calls().map(({ requests }) => requests[0]?.requestId.at(0)).slice(0, 3), [
      "a",
      "b",
      "c",
    ]);
  },
);

engineTest(
  "micro_batch sends a full batch as one call and a batch of one as Generate",
  MICRO_BATCH,
  async (engine, worker) => {
    const replies = await Promise.all([1, 2, 3, 4, 5].map((i) => engine.submit({ prompt: `p${i}` })));
    assert.deepEqual(
      replies.map(({ responseText }) => responseText),
      [1, 2, 3, 4, 5].map((i) => `echo:p${i}`),
    );
    assert.deepEqual(replies.map(({ dispatch }) => dispatch?.size), [4, 4, 4, 4, 1]);
    assert.deepEqual(replies.map(({ dispatch }) => dispatch?.reason.slice(16)), [
      "FULL",
      "FULL",
      "FULL",
      "FULL",
      "WINDOW",
    ]);
    assert.ok(replies[0]!.dispatch!.queueWaitMs < 50, "a full batch does not sleep the window out");
    assert.ok(replies[4]!.dispatch!.queueWaitMs >= 50, "the last waited for its window");
    await waitUntil("its report is read", () => worker.calls().length >= 2);
    assert.deepEqual(worker.calls().filter(({ kind }) => kind !== "cancelled").map(({ kind }) => kind), [
      "batch",
      "generate",
    ]);
  },
);

engineTest(
  "two callers with the same request id at the same time get their own answers",
  MICRO_BATCH,
  async (engine) => {
    const prompts = ["one", "two", "three", "four"];
    const replies = await Promise.all(prompts.map((prompt) => engine.submit({ requestId: "same", prompt })));
    assert.deepEqual(
      replies.map(({ responseText }) => responseText),
      prompts.map((prompt) => `echo:${prompt}`),
    );
    for (const { requestId } of replies) assert.equal(requestId, "same");
  },
);

engineTest(
  "a worker that drops, doubles, strays or says what can't be read fails those requests and no others",
  { ...MICRO_BATCH, MAX_BATCH_SIZE: 5 },
  async (engine) => {
    const prompts = ["drop", "good", "double", "stray", "mangled"];
    const [dropped, good, doubled, strayed, mangled] = await Promise.all(
      prompts.map((prompt) => engine.submit({ prompt })),
    );
    assert.equal(dropped?.status, "worker_internal_error");
    assert.match(dropped?.errorMessage ?? "", /left this request out/);
    assert.equal(good?.responseText, "echo:good");
    assert.equal(doubled?.status, "worker_internal_error");
    assert.equal(doubled?.responseText, "");
    assert.equal(strayed?.responseText, "echo:stray");
    assert.equal(mangled?.status, "worker_internal_error");
  },
);

engineTest("a reply under another id is given to nobody, in direct mode too", {}, async (engine) => {
  const reply = await engine.submit({ prompt: "misaddress" });
  assert.equal(reply.status, "worker_internal_error");
  assert.equal(reply.responseText, "");
});

engineTest(
  "a full queue refuses at once with depth and limit",
  { ENGINE_MODE: "queued", QUEUE_CAPACITY: 2 },
  async (engine) => {
    const running = engine.submit({ prompt: "sleep=300" });
    await waitUntil("it is at the worker", async () => (await engine.stats()).inFlight === 1);
    const waiting = [engine.submit({ prompt: "a" }), engine.submit({ prompt: "b" })];
    await waitUntil("two wait", async () => (await engine.stats()).queueDepth === 2);
    const refused = await refusal(engine.submit({ prompt: "c" }));
    assert.equal(refused.code, Status.RESOURCE_EXHAUSTED);
    assert.match(refused.details, /2 requests wait, QUEUE_CAPACITY is 2/);
    assert.equal((await running).status.slice(0, 2), "ok");
    for (const reply of await Promise.all(waiting)) assert.equal(reply.status.slice(0, 2), "ok");
    assert.equal((await engine.stats()).refusedRequests, 1);
  },
);

engineTest(
  "a caller that cancels in the queue never reaches the worker",
  { ENGINE_MODE: "queued" },
  async (engine, worker) => {
    const running = engine.submit({ requestId: "running", prompt: "sleep=300" });
    const { call, reply } = engine.submitCall({ requestId: "gone", prompt: "x" });
    await waitUntil("it waits", async () => (await engine.stats()).queueDepth === 1);
    call.cancel();
    assert.equal((await refusal(reply)).code, Status.CANCELLED);
    await waitUntil("the queue is empty", async () => (await engine.stats()).queueDepth === 0);
    await running;
    await engine.submit({ requestId: "after", prompt: "x" });
    await waitUntil("its report is read", () => sawCall(worker, "after"));
    assert.ok(!worker.calls().some(({ requests }) => requests[0]?.requestId.startsWith("gone")));
  },
);

engineTest("a passed deadline ends a waiting request, and what is left of one goes to the worker", {
  ENGINE_MODE: "queued",
}, async (engine, worker) => {
  const running = engine.submit({ prompt: "sleep=400" });
  const late = await refusal(
    engine.submit({ requestId: "late", prompt: "x" }, { deadline: Date.now() + 100 }),
  );
  assert.equal(late.code, Status.DEADLINE_EXCEEDED);
  await running;
  await engine.submit({ requestId: "patient", prompt: "x" }, { deadline: Date.now() + 5000 });
  await waitUntil("its report is read", () => sawCall(worker, "patient"));
  const calls = worker.calls();
  assert.ok(!calls.some(({ requests }) => requests[0]?.requestId.startsWith("late")));
  const timeoutMs = calls.flatMap(({ requests }) => requests).find(({ requestId }) =>
    requestId.startsWith("patient")
  )?.timeoutMs;
  assert.ok(timeoutMs! > 3000 && timeoutMs! <= 5000, `${timeoutMs}`);
});

engineTest(
  "an engine on IPv6 prints an address that clients can dial",
  { BIND_HOST: "::1" },
  async (engine) => {
    assert.match(engine.engine.address, /^\[::1\]:\d+$/);
    assert.equal((await engine.submit({ prompt: "x" })).responseText, "echo:x");
  },
);

engineTest("a failure says what happened, also when the worker does not", {}, async (engine) => {
  const silent = await engine.submit({ prompt: "status=worker_runtime_error" });
  assert.equal(silent.status, "worker_runtime_error");
  assert.equal(silent.errorMessage, "the worker did not say why");
  const odd = await engine.submit({ prompt: "status=weird" });
  assert.equal(odd.status, "worker_internal_error");
  assert.equal(odd.errorMessage, 'the worker answered with an unknown status "weird"');
  assert.equal(odd.responseText, "", "nobody knows what it is");
});

engineTest("a deadline that is years away is no deadline that has passed", {}, async (engine) => {
  for (const days of [20, 25, 49.8, 365, 36_500]) {
    const reply = await engine.submit({ prompt: "x" }, { deadline: Date.now() + days * 86_400_000 });
    assert.equal(reply.responseText, "echo:x", `${days} days`);
  }
});

engineTest("a caller that cancels while it runs ends the call at the worker", {}, async (engine, worker) => {
  const { call, reply } = engine.submitCall({ requestId: "gone", prompt: "hang" });
  await waitUntil("it is at the worker", () => worker.calls().length === 1);
  call.cancel();
  assert.equal((await refusal(reply)).code, Status.CANCELLED);
  await waitUntil(
    "the worker sees the cancel",
    () => worker.calls().some(({ kind }) => kind === "cancelled"),
  );
});

engineTest("a worker that hangs is given up after WORKER_RPC_TIMEOUT_MS and the next is served", {
  ENGINE_MODE: "queued",
  WORKER_RPC_TIMEOUT_MS: 300,
}, async (engine) => {
  const [hung, next] = await Promise.all([
    engine.submit({ prompt: "hang" }),
    engine.submit({ prompt: "next" }),
  ]);
  assert.equal(hung?.status, "worker_timeout");
  assert.equal(next?.responseText, "echo:next");
});

engineTest(
  "bad requests are refused with the field, the rule and the value",
  { MAX_PROMPT_BYTES: 100 },
  async (engine) => {
    const empty = await refusal(engine.submit({ prompt: "" }));
    assert.deepEqual([empty.code, empty.details], [Status.INVALID_ARGUMENT, "prompt must not be empty"]);
    const greedy = await refusal(engine.submit({ prompt: "x", maxTokens: 100_000 }));
    assert.match(greedy.details, /max_tokens must be at most 4096 \(MAX_TOKENS_LIMIT\), got 100000/);
    const long = await refusal(engine.submit({ prompt: "x".repeat(101) }));
    assert.match(long.details, /prompt must be at most 100 bytes of UTF-8 \(MAX_PROMPT_BYTES\), got 101/);
    assert.equal((await engine.stats()).acceptedRequests, 0);
  },
);

for (const mode of MODES) {
  engineTest(`${mode} streams a worker's tokens over its own RPC where it has no session`, {
    ENGINE_MODE: mode,
    MAX_BATCH_SIZE: 3,
    BATCH_WINDOW_MS: 20,
    MAX_CONCURRENT_STREAMS: mode === "continuous" ? 2 : 0,
  }, async (engine, worker) => {
    const prompts = ["one", "two", "three"].map((word) => `${word} every=5`);
    const streams = prompts.map((prompt) =>
      engine.stream({ requestId: "same", tenantId: "t", prompt, maxTokens: 4 })
    );
    const unary = engine.submit({ prompt: "four", maxTokens: 4 });
    for (const [i, stream] of streams.entries()) {
      const last = await stream.last;
      assert.equal(last.status, "ok");
      assert.equal(stream.text, `echo:${prompts[i]} 1 2 3`);
      assert.equal(stream.tokens, 4);
      assert.equal(last.outputTokens, 4);
      assert.equal(last.requestId, "same");
      assert.equal(last.textDelta, "");
      const first = stream.chunks[0]!;
      assert.equal(first.engineTtftMs, last.engineTtftMs);
      assert.ok(first.engineTtftMs > 0 && first.engineTtftMs <= last.endToEndLatencyMs);
      assert.ok(first.gateWaitMs >= 0 && first.gateWaitMs <= first.engineTtftMs);
      const parts = Object.values(last.timing!) as number[];
      const sum = parts.reduce((total, part) => total + part, 0);
      assert.ok(Math.abs(sum - last.endToEndLatencyMs) < 0.1, `${sum} of ${last.endToEndLatencyMs}`);
    }
    assert.equal((await unary).responseText, "echo:four");
    await waitUntil(
      "its report is read",
      () => worker.calls().filter(({ kind }) => kind === "stream").length === 3,
    );
  });
}

engineTest("a stream that breaks after tokens ends with a status, one that breaks before is sent again", {
  WORKER_TRIES: 3,
}, async (engine, worker) => {
  const after = engine.stream({ prompt: "fail=2", maxTokens: 4 });
  assert.match((await after.last).errorMessage, /after 2 tokens of this answer/);
  assert.equal(after.text, "echo:fail=2 1");
  const cut = engine.stream({ prompt: "cut", maxTokens: 2 });
  assert.equal((await cut.last).status, "worker_transport_error");
  const before = engine.stream({ prompt: "fail=0", maxTokens: 2 });
  assert.match((await before.last).errorMessage, /as asked; sent 3 times \(WORKER_TRIES\)/);
  assert.equal((await before.last).dispatch?.attempts, 3);
  await waitUntil(
    "its report is read",
    () => worker.calls().filter(({ kind }) => kind === "stream").length === 5,
  );
});

engineTest("a caller that leaves its stream ends it at the worker", {}, async (engine, worker) => {
  const stream = engine.stream({ prompt: "every=10", maxTokens: 1000 });
  await waitUntil("tokens come", () => stream.chunks.length > 2);
  stream.call.cancel();
  await waitUntil("the worker sees it", () => worker.calls().some(({ kind }) => kind === "cancelled"));
  await assert.rejects(stream.last, { code: Status.CANCELLED });
});

engineTest("WORKER_RPC_TIMEOUT_MS counts from a stream's last token", {
  WORKER_RPC_TIMEOUT_MS: 300,
}, async (engine) => {
  const slow = engine.stream({ prompt: "every=60", maxTokens: 10 });
  const stuck = engine.stream({ prompt: "hang", maxTokens: 10 });
  const last = await stuck.last;
  assert.equal(last.status, "worker_timeout");
  assert.match(last.errorMessage, /gave no token after 1 within 300 ms/);
  assert.equal((await slow.last).status, "ok");
});

engineTest("statistics count what happened", MICRO_BATCH, async (engine) => {
  await Promise.all([1, 2, 3, 4].map((i) => engine.submit({ prompt: `p${i}` })));
  const stats = await engine.stats();
  assert.equal(stats.mode, "micro_batch");
  assert.equal(stats.acceptedRequests, 4);
  assert.equal(stats.settledRequests, 4);
  assert.equal(stats.dispatches, 1);
  assert.equal(stats.dispatchedRequests, 4);
  assert.equal(stats.workerState, "up");
});

Deno.test({
  name:
    "without a worker requests answer worker_unavailable, and the engine recovers when it comes, goes and comes",
  ...SANITIZE,
  async fn() {
    let port: number;
    {
      await using first = new ScriptedWorker();
      port = Number((await first.address()).split(":")[1]);
    }
    await using engine = await engineFor(`127.0.0.1:${port}`, { WORKER_WAIT_MS: 0 });
    const alone = await engine.submit({ prompt: "a" });
    assert.equal(alone.status, "worker_unavailable");
    assert.notEqual(alone.errorMessage, "");
    for (let round = 0; round < 3; round++) {
      await using worker = new ScriptedWorker(port);
      await worker.address();
      await engine.connected();
      assert.equal((await engine.submit({ prompt: "b" })).responseText, "echo:b");
      const cut = engine.submit({ prompt: "hang" });
      await waitUntil("it is at the worker", () => worker.calls().length === 2);
      worker.kill("SIGKILL");
      const { status, errorMessage } = await cut;
      assert.equal(status, "worker_unavailable", errorMessage);
      await waitUntil("the engine sees it", () => engine.engine.scheduler.worker.state === "down");
    }
    await engine.settled();
  },
});

Deno.test({
  name: "a worker killed and restarted under load costs no request its answer, and none gets another's text",
  ...SANITIZE,
  async fn() {
    let worker = new ScriptedWorker();
    const address = await worker.address();
    const port = Number(address.split(":")[1]);
    await using engine = await engineFor(address, {
      ...MICRO_BATCH,
      BATCH_WINDOW_MS: 5,
      BATCHES_IN_FLIGHT: 2,
    });
    await engine.connected();
    let stop = false;
    let answered = 0;
    let sentAgain = 0;
    const client = async (name: string) => {
      for (let i = 0; !stop; i++) {
        const prompt = `${name}-${i} sleep=2`;
        const reply = await engine.submit({ requestId: "same", prompt });
        assert.match(reply.status, /^ok/, reply.errorMessage);
        assert.equal(reply.responseText, `echo:${prompt}`);
        answered++;
        if (reply.dispatch!.attempts > 1) sentAgain++;
      }
    };
    const clients = Array.from({ length: 16 }, (_, i) => client(`c${i}`));
    for (let round = 0; round < 3; round++) {
      await pause(200);
      await worker[Symbol.asyncDispose]();
      await pause(100);
      const before = answered;
      worker = new ScriptedWorker(port);
      await waitUntil("answers come again", () => answered > before + 16);
    }
    stop = true;
    await Promise.all(clients);
    await worker[Symbol.asyncDispose]();
    assert.ok(sentAgain > 0, "the kills were felt");
    assert.equal((await engine.stats()).retriedRequests, sentAgain);
    await engine.settled();
  },
});

Deno.test({
  name: "a scheduler thread that dies fails what waits, and a new one takes what comes next",
  ...SANITIZE,
  async fn() {
    await using worker = new ScriptedWorker();
    await using engine = await engineFor(await worker.address());
    await engine.connected();
    const waiting = engine.submit({ prompt: "hang" });
    await waitUntil("it is at the worker", () => worker.calls().length === 1);
    const { answer: poison } = engine.engine.scheduler.submit(
      { submission: undefined as unknown as Submission, mode: "direct", transport: "grpc", trace: undefined },
    );
    await assert.rejects(poison, /scheduler thread died/);
    const error = await refusal(waiting);
    assert.equal(error.code, Status.INTERNAL);
    assert.match(error.details, /scheduler thread died/);
    assert.equal((await engine.submit({ prompt: "next" })).responseText, "echo:next");
  },
});

Deno.test({
  name: "a stopping engine ends what it still holds with UNAVAILABLE",
  ...SANITIZE,
  async fn() {
    await using worker = new ScriptedWorker();
    const engine = await engineFor(await worker.address(), { DRAIN_TIMEOUT_MS: 600 });
    await engine.connected();
    const running = refusal(engine.submit({ prompt: "hang" }));
    const quick = engine.submit({ prompt: "sleep=200" });
    await waitUntil("they are at the worker", () => worker.calls().length === 2);
    await engine.engine[Symbol.asyncDispose]();
    assert.equal((await quick).responseText, "echo:sleep=200", "what ends in time is answered");
    assert.equal((await running).code, Status.UNAVAILABLE);
    engine.client.close();
  },
});
