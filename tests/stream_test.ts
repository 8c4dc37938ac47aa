/** Streams through the engine from the simulated worker, over its session and over its fixed RPCs: real processes. */
import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { MODES } from "../src/core/modes/modes.ts";
import { engineFor, type ReadStream, refusal, ScriptedWorker, type TestEngine } from "./support/engine.ts";
import { checkOk, checkStream, checkTiming } from "./support/wire_contract.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

const WAYS = [
  { session: true, way: "over the worker's session" },
  { session: false, way: "over the fixed RPCs" },
] as const;

/** Long enough that news of a step's time gets around within one, also on a busy machine. */
const SLOW_STEP_MS = 100;

const STREAMS = 32;
const MICRO_BATCH_SIZE = 11;
const GATE = 5;

function test(name: string, fn: () => Promise<void>): void {
  // grpc-js keeps timers and sockets for a moment after a close.
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

for (const { session, way } of WAYS) {
  for (const profile of ["null", "fixed20"]) {
    test(`in every mode 32 streams and a unary call under one id get their own answers ${way} (${profile})`, async () => {
      await using worker = await SimWorker.start({ profile, session });
      const answers = new Map<string, string>();
      for (const mode of MODES) {
        await using engine = await engineFor(worker.address, {
          ENGINE_MODE: mode,
          MAX_BATCH_SIZE: MICRO_BATCH_SIZE,
          BATCH_WINDOW_MS: 50,
          MAX_CONCURRENT_STREAMS: mode === "continuous" ? GATE : 0,
        });
        await engine.connected();
        const ids = { requestId: "same for all", tenantId: "one" };
        const asked = Array.from({ length: STREAMS + 1 }, (_, i) => {
          return { ...ids, prompt: `the prompt of caller ${i}`, maxTokens: 1 + i % 8 };
        });
        if (answers.size === 0) {
          for (const request of asked) {
            answers.set(request.prompt, (await engine.submit(request)).responseText);
          }
          assert.equal(new Set(answers.values()).size, asked.length, "no two callers have the same answer");
        }
        const [alone, ...streamed] = asked;
        const streams = streamed.map((request) => engine.stream(request));
        const unary = engine.submit(alone!);
        const groups = new Map<number, number>();
        for (const [i, stream] of streams.entries()) {
          const { prompt, maxTokens } = streamed[i]!;
          const last = await checkStream(stream, {
            ...ids,
            text: answers.get(prompt)!,
            tokens: maxTokens,
          });
          assert.equal(last.finishReason, "length");
          assert.equal(last.inputTokens, prompt.split(" ").length);
          groups.set(last.dispatch!.id, last.dispatch!.size);
        }
        const reply = await unary;
        checkOk(reply.status, mode, reply.errorMessage);
        checkTiming(reply.timing, reply.endToEndLatencyMs);
        assert.equal(reply.responseText, answers.get(alone!.prompt));
        if (mode === "micro_batch") assert.equal(Math.max(...groups.values()), MICRO_BATCH_SIZE);
        else if (mode !== "continuous") assert.deepEqual([...new Set(groups.values())], [1]);
        await engine.settled();
      }
    });
  }

  test(`continuous never has more than MAX_CONCURRENT_STREAMS at the worker ${way}`, async () => {
    await limitHolds("continuous", session);
  });

  test(`direct keeps to MAX_CONCURRENT_STREAMS when it is given ${way}`, async () => {
    await limitHolds("direct", session);
  });

  test(`queued has MAX_CONCURRENT_STREAMS streams at the worker, and beside them a request in one piece ${way}`, async () => {
    await limitHolds("queued", session);
  });

  test(`a cancelled stream frees its row within a step, and the others in its batch go on ${way}`, async () => {
    await rowIsFreed(session, (stream) => stream.call.cancel(), Status.CANCELLED);
  });

  test(`a stream whose deadline passes frees its row within a step ${way}`, async () => {
    await rowIsFreed(session, undefined, Status.DEADLINE_EXCEEDED);
  });

  test(`what is cancelled in the queue, or whose deadline passes there, never runs ${way}`, async () => {
    await using worker = await SimWorker.start({ profile: "fixed20", session });
    await using engine = await engineFor(worker.address, {
      ENGINE_MODE: "continuous",
      MAX_CONCURRENT_STREAMS: 1,
    });
    await engine.connected();
    const running = engine.stream({ prompt: "running", maxTokens: 30 });
    await waitUntil("it runs", () => running.chunks.length > 0);
    const left = engine.stream({ prompt: "left", maxTokens: 30 });
    const late = engine.stream({ prompt: "late", maxTokens: 30 }, { deadline: Date.now() + 150 });
    await waitUntil("both wait", async () => (await engine.stats()).queueDepth === 2);
    left.call.cancel();
    assert.equal((await refusal(left.last)).code, Status.CANCELLED);
    assert.equal((await refusal(late.last)).code, Status.DEADLINE_EXCEEDED);
    await waitUntil("neither waits any more", async () => (await engine.stats()).queueDepth === 0);
    assert.ok(!running.chunks.at(-1)?.finished, "they went while the other ran");
    assert.equal((await running.last).outputTokens, 30);
    assert.equal((await engine.stats()).dispatchedRequests, 1);
    assert.equal(left.chunks.length + late.chunks.length, 0);
    await engine.settled();
  });

  test(`a stop text ends an answer and never shows, wherever the tokens part it ${way}`, async () => {
    await using worker = await SimWorker.start({ session });
    await using engine = await engineFor(worker.address);
    await engine.connected();
    const prompt = "stop this";
    const whole = (await engine.submit({ prompt, maxTokens: 24 })).responseText;
    // From within the sixth word to within the seventh, and a whole word; each taken where it comes first.
    const words = whole.split(" ");
    const across = `${words[5]!.slice(-2)} ${words[6]!.slice(0, 2)}`;
    for (const stops of [[across], [words[5]!], [across, words[5]!], ["never said", across]]) {
      const cut = Math.min(...stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0));
      const stream = engine.stream({ prompt, maxTokens: 24, stop: stops });
      const last = await stream.last;
      assert.equal(stream.text, whole.slice(0, cut), `${stops}`);
      assert.equal(last.finishReason, "stop");
      assert.equal(stream.tokens, last.outputTokens);
      const reply = await engine.submit({ prompt, maxTokens: 24, stop: stops });
      assert.equal(reply.responseText, whole.slice(0, cut));
      assert.equal(reply.finishReason, "stop");
      assert.equal(reply.outputTokens, last.outputTokens);
    }
    const unstopped = engine.stream({ prompt, maxTokens: 24, stop: ["never said", `${words.at(-1)} x`] });
    assert.equal((await unstopped.last).finishReason, "length");
    assert.equal(unstopped.text, whole, "what could have begun a stop text is not lost");
  });
}

async function limitHolds(mode: "direct" | "queued" | "continuous", session: boolean): Promise<void> {
  await using worker = await SimWorker.start({ profile: { stepMs: SLOW_STEP_MS }, session });
  await using engine = await engineFor(worker.address, { ENGINE_MODE: mode, MAX_CONCURRENT_STREAMS: 3 });
  await engine.connected();
  const long = engine.stream({ prompt: "long", maxTokens: 20 });
  await waitUntil("it runs", () => long.chunks.length > 0);
  const others = Array.from({ length: 6 }, (_, i) => engine.stream({ prompt: `short ${i}`, maxTokens: 2 }));
  const unary = engine.submit({ prompt: "in one piece", maxTokens: 2 });
  // The tokens that the long one had when the others started and ended give the time in steps.
  const began: number[] = [];
  const ended: number[] = [];
  for (const { call } of others) {
    call.once("data", () => began.push(long.tokens));
    call.once("end", () => ended.push(long.tokens));
  }
  let most = 0;
  let mostAtWorker = 0;
  await waitUntil("all have ended", async () => {
    const { inFlight, load } = await engine.stats();
    most = Math.max(most, inFlight);
    mostAtWorker = Math.max(mostAtWorker, (load?.running ?? 0) + (load?.waiting ?? 0));
    return ended.length === others.length;
  });
  const places = mode === "queued" ? 4 : 3; // QUEUED_CONCURRENCY gives the request in one piece its own
  assert.equal(most, places, "the places are used, and no more");
  if (session) assert.equal(mostAtWorker, places, "the worker says so too");
  assert.match((await unary).status, /^ok/);
  assert.equal((await long.last).outputTokens, 20);
  // Two at a time beside the long one: each next pair starts in the step after the last one's, not later.
  for (const [i, start] of began.slice(2).entries()) {
    const steps = start - ended[i]!;
    assert.ok(
      steps <= 2,
      `number ${i + 2} started ${steps} steps after a place was free: ${began}, ${ended}`,
    );
  }
  await engine.settled();
}

/** Two rows at the worker run, a third request waits there for a row; the first of them ends early. */
async function rowIsFreed(
  session: boolean,
  end: ((stream: ReadStream) => void) | undefined,
  code: Status,
): Promise<void> {
  await using worker = await SimWorker.start({ profile: { stepMs: SLOW_STEP_MS, maxRows: 2 }, session });
  await using engine = await engineFor(worker.address);
  await engine.connected();
  const staying = engine.stream({ prompt: "staying", maxTokens: 25 });
  const deadline = Date.now() + (end ? 30_000 : 8 * SLOW_STEP_MS);
  const going = engine.stream({ prompt: "going", maxTokens: 1000 }, { deadline });
  await waitUntil("both run", () => staying.chunks.length > 0 && going.chunks.length > 1);
  const waiting = engine.stream({ prompt: "waiting", maxTokens: 3 });
  await waitUntil("the third is at the worker", async () => {
    const { inFlight, load } = await engine.stats();
    return inFlight === 3 && (!session || load?.waiting === 1);
  });
  assert.equal(waiting.chunks.length, 0);
  let stepsAtEnd = 0;
  going.call.once("error", () => stepsAtEnd = staying.tokens);
  let stepsAtStart = 0;
  waiting.call.once("data", () => stepsAtStart = staying.tokens);
  end?.(going);
  assert.equal((await refusal(going.last)).code, code);
  assert.equal((await waiting.last).outputTokens, 3);
  // The step that runs goes to its end, and the next one is the new row's first.
  const steps = stepsAtStart - stepsAtEnd;
  assert.ok(steps <= 3, `the row was another's ${steps} steps after the end`);
  assert.equal((await staying.last).outputTokens, 25);
  await engine.settled();
  if (session) await workerIsIdle(engine);
}

async function workerIsIdle(engine: TestEngine): Promise<void> {
  await waitUntil("the worker has no row", async () => {
    const { load } = await engine.stats();
    return load?.running === 0 && load.waiting === 0;
  });
}

test("a micro_batch group of streams runs as one batch from its first step to its last", async () => {
  await using worker = await SimWorker.start({ profile: "fixed20" });
  await using engine = await engineFor(worker.address, {
    ENGINE_MODE: "micro_batch",
    MAX_BATCH_SIZE: 6,
    BATCH_WINDOW_MS: 5000,
  });
  await engine.connected();
  await waitUntil("the worker has reported its load", async () => (await engine.stats()).load !== null);
  const before = (await engine.stats()).load!;
  const streams = Array.from({ length: 6 }, (_, i) => engine.stream({ prompt: `p${i}`, maxTokens: 10 }));
  const ids = new Set<number>();
  for (const stream of streams) ids.add((await stream.last).dispatch!.id);
  assert.equal(ids.size, 1);
  await waitUntil("the worker has reported these steps", async () => {
    const { load } = await engine.stats();
    return load!.rowSteps - before.rowSteps === 60;
  });
  assert.equal((await engine.stats()).load!.steps - before.steps, 10, "10 steps of 6 rows each");
});

const BAD: readonly [Record<string, unknown>, RegExp][] = [
  [{ temperature: -0.1 }, /temperature must be a number from 0 to 2, got -0.1/],
  [{ temperature: 2.5 }, /temperature must be a number from 0 to 2, got 2.5/],
  [{ temperature: NaN }, /temperature must be a number from 0 to 2, got NaN/],
  [{ topP: 1.5 }, /top_p must be a number above 0 to 1, got 1.5/],
  [{ topP: -1 }, /top_p must be a number above 0 to 1, got -1/],
  [{ topP: NaN }, /top_p must be a number above 0 to 1, got NaN/],
  [{ stop: ["x", ""] }, /stop\[1\] must not be empty/],
  [{ stop: Array.from({ length: 17 }, (_, i) => `${i}`) }, /stop must be at most 16 texts, got 17/],
  [{ stop: ["x".repeat(257)] }, /stop\[0\] must be at most 256 bytes of UTF-8, got 257/],
];

test("bad sampling and stop values are refused with the field, the rule and the value", async () => {
  await using worker = new ScriptedWorker();
  await using engine = await engineFor(await worker.address());
  await engine.connected();
  for (const [fields, message] of BAD) {
    for (
      const ended of [
        engine.submit({ prompt: "x", ...fields }),
        engine.stream({ prompt: "x", ...fields }).last,
      ]
    ) {
      const error = await refusal(ended);
      assert.equal(error.code, Status.INVALID_ARGUMENT);
      assert.match(error.details, message);
    }
  }
  assert.equal((await engine.stats()).acceptedRequests, 0);
});
