import assert from "node:assert/strict";
import {
  type Asked,
  eventStream,
  modelList,
  refused,
  TestEngine,
} from "../../tests/support/scripted_http_engine.ts";
import { pause } from "../../tests/support/wait.ts";
import {
  type ChatRequest,
  complete,
  type Completion,
  EMPTY,
  listModels,
  phasesOf,
  tokensPerSecond,
} from "./chat.ts";
import { EngineClient, EngineError } from "./engine_client.ts";

const REQUEST: ChatRequest = { model: "m", prompt: "hello", sampling: { max_tokens: 8 } };
const ACCOUNT = {
  mode: "queued",
  ttft_ms: 1,
  tpot_ms: 2,
  e2e_ms: 3,
  queue_wait_ms: 0,
  timing: { queue_ms: 1 },
};
const DONE = "data: [DONE]\n\n";

Deno.test("an answer grows with its chunks; a first one without text counts for no time", async () => {
  const { seen } = await asked(REQUEST, () =>
    eventStream([
      data({ choices: [{ delta: { role: "assistant", content: "" }, finish_reason: null }] }),
      data({ choices: [{ delta: { content: "one " }, finish_reason: null }] }),
      data({ choices: [{ text: "two", finish_reason: null }] }),
      data({ choices: [{ delta: {}, finish_reason: "stop" }], omnispan: ACCOUNT }),
      data({ choices: [], usage: { prompt_tokens: 4, completion_tokens: 2 } }),
      DONE,
    ]));
  assert.deepEqual(seen.map(({ text }) => text), ["", "one ", "one two", "one two", "one two"]);
  assert.equal(seen[0]?.ttftMs, undefined);
  const { ttftMs = -1, lastTextMs = -1, e2eMs, ...rest } = seen.at(-1) ?? EMPTY;
  assert.ok(ttftMs > 0 && ttftMs <= lastTextMs && lastTextMs <= e2eMs);
  assert.deepEqual(rest, {
    text: "one two",
    usage: { prompt_tokens: 4, completion_tokens: 2 },
    finishReason: "stop",
    engine: ACCOUNT,
  });
});

Deno.test("mode, tenant and key go out in headers, and what is not given does not go out", async () => {
  const done = () => eventStream([DONE]);
  const plain = await asked({ ...REQUEST, system: "", mode: "" }, done);
  const names = ["omnispan-mode", "omnispan-tenant", "omnispan-timeout-ms", "authorization"];
  assert.deepEqual(names.map((name) => plain.sent.headers.get(name)), [null, null, null, null]);
  const stream = { stream: true, stream_options: { include_usage: true } };
  assert.deepEqual(plain.sent.body, {
    model: "m",
    messages: [{ role: "user", content: "hello" }],
    max_tokens: 8,
    ...stream,
  });
  const more = { system: "be brief", mode: "direct", tenant: "alice", timeoutMs: 9, sampling: { seed: 0 } };
  const full = await asked({ ...REQUEST, ...more }, done, "k");
  assert.deepEqual(names.map((name) => full.sent.headers.get(name)), ["direct", "alice", "9", "Bearer k"]);
  assert.deepEqual(full.sent.body, {
    model: "m",
    messages: [{ role: "system", content: "be brief" }, { role: "user", content: "hello" }],
    seed: 0,
    ...stream,
  });
  const raw = await asked({ ...REQUEST, isRaw: true, sampling: {} }, done);
  assert.deepEqual([raw.sent.path, raw.sent.body], ["/v1/completions", {
    model: "m",
    prompt: "hello",
    ...stream,
  }]);
});

Deno.test("what the engine refuses, and what breaks on the way, comes in its own words", async () => {
  const cases = [
    [() => refused(429, "the queue is full"), /^the engine refused \(429 .*\): the queue is full$/],
    [() => new Response("<html>", { status: 502 }), /^the engine refused \(502 Bad Gateway\): <html>$/],
    [
      () => eventStream([data({ error: { message: "the worker was lost" } })]),
      /failed: the worker was lost$/,
    ],
    [() => eventStream([data({ choices: [] })]), /ended the connection before the answer was complete$/],
    [() => eventStream(breakingOff()), /broke the connection before the answer was complete$/],
    [() => eventStream(["data: nonsense\n\n"]), /no chunk of a completion/],
    [() => eventStream([data(null)]), /no chunk of a completion: it is no object$/],
  ] as const;
  for (const [answer, message] of cases) {
    await assert.rejects(asked(REQUEST, answer), (thrown) => {
      assert.ok(thrown instanceof EngineError && thrown.kind === "refused");
      assert.match(thrown.message, message);
      return true;
    });
  }
});

Deno.test("tokens a second are told only of more than one token, and of text that came in pieces", () => {
  const usage = (completion_tokens: number) => ({ prompt_tokens: 1, completion_tokens });
  const completion = { ...EMPTY, ttftMs: 100, lastTextMs: 1100 };
  assert.equal(tokensPerSecond({ ...completion, usage: usage(11) }), 10);
  assert.equal(tokensPerSecond({ ...completion, usage: usage(1) }), null);
  assert.equal(tokensPerSecond(completion), null);
  assert.equal(tokensPerSecond({ ...completion, lastTextMs: 100, usage: usage(11) }), null);
});

Deno.test("phases keep the engine's order and make a whole, and without any time there are none", () => {
  const timing = { queue_ms: 20, batch_ms: -0.01, prefill_ms: 19, decode_ms: 60, reply_ms: 1 };
  const phases = phasesOf({ ...ACCOUNT, timing });
  assert.deepEqual(phases.map(({ name }) => name), ["queue", "batch", "prefill", "decode", "reply"]);
  assert.deepEqual(phases.map(({ share }) => share), [0.2, 0, 0.19, 0.6, 0.01]);
  assert.deepEqual(phasesOf({ ...ACCOUNT, timing: { queue_ms: 0 } }), []);
});

Deno.test("models are listed by their ids, and what lists none is no engine", async () => {
  const answers = [() => modelList("a", "b"), () => modelList(), () => Response.json({ data: [7, null] })];
  await using engine = new TestEngine({ "/v1/models": () => answers.shift()?.() ?? new Response("<html>") });
  const client = new EngineClient({ url: engine.url, apiKey: () => undefined });
  assert.deepEqual(await listModels(client), ["a", "b"]);
  assert.deepEqual(await listModels(client), []);
  for (let wrong = 0; wrong < 2; wrong++) {
    await assert.rejects(listModels(client), /is no engine: its \/v1\/models lists no models$/);
  }
});

/** As an engine that dies in the middle of an answer. */
async function* breakingOff(): AsyncGenerator<string> {
  yield data({ choices: [] });
  await pause(5);
  throw new Error("the engine has died");
}

function data(chunk: unknown): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

async function asked(
  request: ChatRequest,
  answer: () => Response,
  key = "",
): Promise<{ readonly seen: Completion[]; readonly sent: Asked }> {
  await using engine = new TestEngine({ "/v1/chat/completions": answer, "/v1/completions": answer });
  const client = new EngineClient({ url: engine.url, apiKey: () => key });
  const seen = await Array.fromAsync(complete(client, request, AbortSignal.timeout(5000)));
  return { seen, sent: engine.asked[0]! };
}
