/** Traces as a collector gets them from `serve`: real processes, Deno's own exporter. */
import { Metadata } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import type { GenerateReply__Output } from "../src/grpc/generated/omnispan/GenerateReply.ts";
import { ScriptedWorker, TestClient } from "./support/engine.ts";
import {
  ERROR_STATUS,
  INTERNAL_SPAN,
  OtlpReceiver,
  type ReceivedSpan,
  SERVER_SPAN,
} from "./support/otlp_receiver.ts";
import { ROOT, Serve, type ServeOptions } from "./support/serve.ts";
import { waitUntil } from "./support/wait.ts";

const SECRET = "abracadabra";
const PHASES = ["accept", "queue", "batch", "dispatch", "worker prefill", "worker decode", "reply"];
/** Spans have nanoseconds, the engine's clock a quarter of a microsecond. */
const CLOCK_MS = 0.002;

interface Site {
  readonly receiver: OtlpReceiver;
  readonly serve: Serve;
  readonly client: TestClient;
  readonly url: string;
}

/** A serve that traces. In the end it is stopped, and no prompt and no answer may have gone to the collector. */
function tracingTest(name: string, options: ServeOptions, fn: (site: Site) => Promise<void>): void {
  Deno.test({
    name,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using receiver = new OtlpReceiver();
      await using serve = new Serve({ ...options, env: { ...receiver.env, ...options.env } });
      await using client = new TestClient(await serve.address());
      await waitUntil("the worker is up", async () => (await client.stats()).workerState === "up");
      await fn({ receiver, serve, client, url: await serve.httpUrl() });
      serve.kill("SIGTERM");
      assert.equal((await serve.exit()).code, 0, serve.output());
      const sent = receiver.bodies.join("\n");
      assert.match(sent, /generate/);
      assert.doesNotMatch(sent, new RegExp(`${SECRET}|simulated-|echo:`));
      assert.deepEqual(receiver.logs, []);
    },
  });
}

interface Asked {
  readonly id: string;
  readonly prompt?: string;
  readonly maxTokens?: number;
  readonly traceparent?: string;
  readonly baggage?: string;
  readonly signal?: AbortSignal;
}

function overHttp(
  url: string,
  { id, prompt = SECRET, maxTokens = 4, traceparent, baggage, signal = AbortSignal.timeout(120_000) }: Asked,
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-request-id": id,
      ...(traceparent && { traceparent }),
      ...(baggage && { baggage }),
    },
    body: JSON.stringify({ messages: [{ role: "user", content: prompt }], max_tokens: maxTokens }),
    signal,
  });
}

function overGrpc(
  { client }: TestClient,
  { id, prompt = SECRET, maxTokens = 4, traceparent, baggage }: Asked,
): Promise<GenerateReply__Output> {
  const metadata = new Metadata();
  if (baggage) metadata.set("baggage", baggage);
  if (traceparent) metadata.set("traceparent", traceparent);
  return new Promise((resolve, reject) =>
    client.submitGenerate(
      { requestId: id, prompt, maxTokens },
      metadata,
      { deadline: Date.now() + 60_000 },
      (error, reply) => error ? reject(error) : resolve(reply!),
    )
  );
}

async function spanOf({ receiver }: Site, id: string): Promise<ReceivedSpan> {
  await waitUntil(`the span of ${id} is there`, () => receiver.request(id) !== undefined);
  return receiver.request(id)!;
}

function parentOf({ receiver }: Site, { parentSpanId }: ReceivedSpan): ReceivedSpan {
  return receiver.spans.find(({ spanId }) => spanId === parentSpanId)!;
}

/** Once it has come as a whole, the phases follow each other without a gap, fill their request, and are as long as its reply says. */
function assertLedger({ receiver }: Site, request: ReceivedSpan, timing: readonly number[]): void {
  const children = receiver.children(request);
  const spans = children.filter(({ name }) => name !== "receive");
  assert.deepEqual(spans.map(({ name }) => name).toSorted(), PHASES.toSorted());
  const receive = children.find(({ name }) => name === "receive");
  assert.ok(!receive || Math.abs(receive.startMs - request.startMs) < CLOCK_MS);
  let at = receive?.endMs ?? request.startMs;
  PHASES.forEach((name, index) => {
    const span = spans.find((span) => span.name === name)!;
    assert.equal(span.traceId, request.traceId);
    assert.ok(Math.abs(span.startMs - at) < CLOCK_MS, `${name} begins at ${span.startMs}, not at ${at}`);
    const tookMs = span.endMs - span.startMs;
    assert.ok(Math.abs(tookMs - timing[index]!) < CLOCK_MS, `${name} took ${tookMs}, not ${timing[index]}`);
    at = span.endMs;
  });
  assert.ok(Math.abs(request.endMs - at) < CLOCK_MS, `they end at ${at}, the request at ${request.endMs}`);
}

/** A sampled caller. */
function caller(digit: string, flags = "01"): { traceId: string; spanId: string; traceparent: string } {
  const [traceId, spanId] = [digit.repeat(32), digit.repeat(16)];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

tracingTest(
  "a request over gRPC or HTTP is one trace below its caller's, and its phases are those of its reply",
  { flags: ["--engine-mode", "micro_batch"], env: { SIM_PROFILE: "a40" } },
  async (site) => {
    const [above, below] = [caller("a"), caller("b")];
    const { omnispan } = await (await overHttp(site.url, { id: "http", traceparent: above.traceparent }))
      .json();
    const { timing } = await overGrpc(site.client, { id: "grpc", traceparent: below.traceparent });
    await overHttp(site.url, { id: "alone" }).then((response) => response.body?.cancel());
    await overHttp(site.url, { id: "malformed", traceparent: `00-${"c".repeat(32)}-0-01` })
      .then((response) => response.body?.cancel());

    const http = await spanOf(site, "http");
    assert.equal(http.name, "generate a40");
    assert.equal(http.kind, INTERNAL_SPAN);
    const server = parentOf(site, http);
    assert.equal(server.kind, SERVER_SPAN);
    assert.equal(server.attributes["url.path"], "/v1/chat/completions");
    assert.deepEqual([server.traceId, server.parentSpanId], [above.traceId, above.spanId]);
    assertLedger(site, http, Object.values(omnispan.timing));

    const grpc = await spanOf(site, "grpc");
    assert.equal(parentOf(site, grpc).attributes["url.path"], "/omnispan.Engine/SubmitGenerate");
    assert.deepEqual([grpc.traceId, parentOf(site, grpc).parentSpanId], [below.traceId, below.spanId]);
    assertLedger(site, grpc, Object.values(timing!));

    for (const id of ["alone", "malformed"]) {
      const root = parentOf(site, await spanOf(site, id));
      assert.equal(root.parentSpanId, "", id);
      assert.ok(![above.traceId, below.traceId, "c".repeat(32)].includes(root.traceId), id);
    }
  },
);

tracingTest(
  "baggage that can't be read is ignored over gRPC and HTTP, and the caller's trace goes on",
  {},
  async (site) => {
    const [above, below] = [caller("a"), caller("b")];
    for (const [index, baggage] of ["key=%zz", "%zz=value", "=%", "key=1,,;=%E0%A4%A"].entries()) {
      const { traceparent } = above;
      const http = await overHttp(site.url, { id: `http ${index}`, traceparent, baggage });
      assert.equal(http.status, 200, await http.text());
      const health = await fetch(`${site.url}/healthz`, { headers: { baggage } });
      assert.equal(await health.text(), "ok\n");
      const asked = { id: `grpc ${index}`, traceparent: below.traceparent, baggage };
      assert.equal((await overGrpc(site.client, asked)).status, "ok");
      for (const [transport, { traceId }] of [["http", above], ["grpc", below]] as const) {
        assert.equal((await spanOf(site, `${transport} ${index}`)).traceId, traceId);
      }
    }
    assert.doesNotMatch(site.serve.output(), /baggage/);
  },
);

tracingTest(
  "a span's attributes have the names of the GenAI conventions; that of a refused request has an error",
  {},
  async (site) => {
    await (await overHttp(site.url, { id: "http" })).json();
    await overGrpc(site.client, { id: "grpc" });
    const refused = await overHttp(site.url, { id: "refused", maxTokens: 1_000_000 });
    assert.equal(refused.status, 400);
    await refused.body?.cancel();

    const { attributes, status } = await spanOf(site, "http");
    assert.equal(status.code, 0);
    assert.equal(attributes["gen_ai.operation.name"], "chat");
    assert.equal(attributes["gen_ai.provider.name"], "sim");
    assert.equal(attributes["gen_ai.request.model"], "null");
    assert.equal(attributes["gen_ai.request.max_tokens"], 4);
    assert.equal(attributes["gen_ai.usage.output_tokens"], 4);
    assert.deepEqual(attributes["gen_ai.response.finish_reasons"], { values: [{ stringValue: "length" }] });
    assert.equal(attributes["omnispan.door"], "http");
    assert.equal(attributes["omnispan.mode"], "direct");
    assert.equal(attributes["error.type"], undefined);
    const grpc = await spanOf(site, "grpc");
    assert.equal(grpc.attributes["gen_ai.operation.name"], "text_completion");

    const failed = () => site.receiver.own(/^generate/).find(({ attributes }) => attributes["error.type"]);
    await waitUntil("the refused request's span is there", () => failed() !== undefined);
    assert.equal(failed()!.attributes["error.type"], "invalid_argument");
    assert.deepEqual(failed()!.status, { code: ERROR_STATUS, message: "invalid_argument" });
  },
);

tracingTest(
  "a batch and its members link to each other, and it ends with its last member though one left",
  {
    flags: ["--engine-mode", "micro_batch"],
    env: { SIM_PROFILE: "a40", BATCH_WINDOW_MS: "10000", MAX_BATCH_SIZE: "3", BATCH_WHEN_IDLE: "0" },
  },
  async (site) => {
    const leaving = new AbortController();
    const left = overHttp(site.url, { id: "leaves", maxTokens: 400, signal: leaving.signal });
    const stays = [
      overHttp(site.url, { id: "http", maxTokens: 40 }),
      overGrpc(site.client, { id: "grpc", maxTokens: 40 }),
    ] as const;
    await waitUntil("the batch runs", async () => (await site.client.stats()).inFlight === 3);
    leaving.abort();
    await assert.rejects(left);
    await (await stays[0]).json();
    await stays[1];

    const members = await Promise.all(["leaves", "http", "grpc"].map((id) => spanOf(site, id)));
    assert.equal(members[0]!.attributes["error.type"], "cancelled");
    const batches = () =>
      site.receiver.own(/^batch$/).filter(({ attributes }) => attributes["omnispan.batch.size"] === 3);
    await waitUntil("the batch's span is there", () => batches().length > 0);
    const [batch, ...others] = batches().filter(({ parentSpanId }) => parentSpanId === "");
    assert.deepEqual(others, []);
    assert.deepEqual(
      batch!.links.map(({ spanId }) => spanId).toSorted(),
      members.map(({ spanId }) => spanId).toSorted(),
    );
    assert.equal(batch!.attributes["omnispan.batch.reason"], "full");
    for (const member of members.slice(1)) {
      const [accept, phase] = ["accept", "batch"].map((name) =>
        site.receiver.children(member).find((span) => span.name === name)!
      );
      assert.ok(batch!.startMs < accept!.startMs + CLOCK_MS);
      assert.deepEqual(phase!.links.map(({ spanId }) => spanId), [batch!.spanId]);
      assert.equal(member.attributes["omnispan.batch.id"], batch!.attributes["omnispan.batch.id"]);
    }
    assert.ok(batch!.startMs > Math.min(...members.map(({ startMs }) => startMs)) - CLOCK_MS);
    assert.ok(Math.abs(batch!.endMs - Math.max(...members.map(({ endMs }) => endMs))) < CLOCK_MS);
  },
);

tracingTest(
  "a request that is sent again after its worker was killed keeps its trace, which says how often",
  { flags: ["--engine-mode", "micro_batch"], env: { SIM_PROFILE: "a40" } },
  async (site) => {
    const reply = overGrpc(site.client, { id: "again", maxTokens: 100 });
    await waitUntil("the worker has it", async () => (await site.client.stats()).inFlight === 1);
    Deno.kill(site.serve.workerPid(), "SIGKILL");
    assert.equal((await reply).dispatch!.attempts, 2);
    const span = await spanOf(site, "again");
    assert.equal(span.attributes["omnispan.attempts"], 2);
    assert.equal(
      site.receiver.children(span).filter(({ name }) => PHASES.includes(name)).length,
      PHASES.length,
    );
    const batches = site.receiver.own(/^batch$/).filter(({ links }) => links[0]?.spanId === span.spanId);
    const ends = batches.map(({ endMs }) => endMs).toSorted((a, b) => a - b);
    assert.equal(ends.length, 2, "the batch that was lost has ended too");
    assert.ok(ends[0]! < ends[1]!);
  },
);

Deno.test({
  name: "the worker gets the context of the request's span, and a caller that is not sampled is not recorded",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = new ScriptedWorker(0, "sound");
    await using receiver = new OtlpReceiver();
    await using serve = await Serve.answering({
      env: {
        ...receiver.env,
        OTEL_TRACES_SAMPLER: "parentbased_always_on",
        WORKER_ENDPOINT: await worker.address(),
      },
    });
    await using client = new TestClient(await serve.address());
    const site = { receiver, serve, client, url: await serve.httpUrl() };
    const [seen, unseen] = [caller("d"), caller("e", "00")];
    await overGrpc(client, { id: "seen", traceparent: seen.traceparent });
    await overGrpc(client, { id: "unseen", traceparent: unseen.traceparent });
    await (await overHttp(site.url, { id: "unseen too", traceparent: unseen.traceparent })).json();
    await overGrpc(client, { id: "failed", prompt: "status=worker_runtime_error" });

    const span = await spanOf(site, "seen");
    const failed = await spanOf(site, "failed");
    const given = new Map(
      worker.calls().flatMap(({ requests }) => requests).map((
        { requestId, traceparent },
      ) => [requestId, traceparent]),
    );
    const sent = [...given.values()];
    assert.ok(sent.includes(`00-${seen.traceId}-${span.spanId}-01`), sent.join());
    assert.equal(sent.filter((traceparent) => /^00-e{32}-\w{16}-00$/.test(traceparent)).length, 2);
    assert.deepEqual(receiver.spans.filter(({ traceId }) => traceId === unseen.traceId), []);
    assert.equal(failed.attributes["error.type"], "worker_runtime_error");
    assert.deepEqual(failed.status, { code: ERROR_STATUS, message: "worker_runtime_error" });
  },
});

Deno.test("nothing is traced unless Deno's own variables ask for it", async () => {
  const cases = {
    "": false,
    "OTEL_DENO=true": true,
    "OTEL_DENO_TRACING=true": true,
    "OTEL_DENO=true OTEL_DENO_TRACING=false": false,
    "OTEL_DENO=true OTEL_SDK_DISABLED=true": false,
    "OTEL_DENO=1": false,
    "OTEL_DENO=true OTEL_TRACES_SAMPLER=always_off": true,
  };
  const module = new URL("../src/observe/traces/tracing.ts", import.meta.url);
  const code = `import { tracingOf } from "${module}"; Deno.stdout.writeSync(new TextEncoder().encode(` +
    "String(tracingOf(() => undefined) !== undefined)));";
  const results = await Promise.all(
    Object.keys(cases).map(async (variables) => {
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["eval", code],
        cwd: ROOT,
        env: { ...Object.fromEntries(variables.split(" ").filter(Boolean).map((one) => one.split("="))) },
        signal: AbortSignal.timeout(120_000),
        stderr: "null",
      }).output();
      return [variables, new TextDecoder().decode(stdout) === "true"] as const;
    }),
  );
  assert.deepEqual(Object.fromEntries(results), cases);
});
