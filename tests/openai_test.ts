/** The HTTP API as OpenAI's own client, Vercel's AI SDK and curl see it: real processes, real clients. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import assert from "node:assert/strict";
import OpenAI, { APIUserAbortError } from "openai";
import { MODES } from "../src/core/modes/modes.ts";
import { hasCommand } from "./support/commands.ts";
import { httpEngineFor } from "./support/engine.ts";
import { failure, LONG, type Site as HttpSite, siteTest } from "./support/http_site.ts";
import { runShellLine } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

const SKY = [{ role: "user" as const, content: "Why is the sky blue?" }];

interface Site extends HttpSite {
  readonly openai: OpenAI;
}

function test(
  name: string,
  options: Parameters<typeof siteTest>[1],
  fn: (site: Site) => Promise<void>,
): void {
  siteTest(name, options, async (site) => {
    const openai = new OpenAI({
      baseURL: `${site.engine.url}/v1`,
      apiKey: "none",
      maxRetries: 0,
      timeout: 20_000,
    });
    await fn({ ...site, openai });
  });
}

test(
  "openai: a chat answer has text, reason, counts and the ledger, and its text is the one that gRPC gives",
  {},
  async ({ engine, openai }) => {
    const answer = await openai.chat.completions.create({ model: "null", messages: SKY, max_tokens: 5 });
    const [choice] = answer.choices;
    assert.equal(answer.object, "chat.completion");
    assert.match(answer.id, /^chatcmpl-/);
    assert.equal(choice!.finish_reason, "length");
    assert.equal(choice!.message.role, "assistant");
    const { prompt_tokens, completion_tokens, total_tokens } = answer.usage!;
    assert.equal(completion_tokens, 5);
    assert.equal(total_tokens, prompt_tokens + 5);
    const grpc = await engine.submit({ prompt: SKY[0]!.content, maxTokens: 5 });
    assert.equal(choice!.message.content, grpc.responseText);
    const { omnispan } = answer as unknown as {
      omnispan: { mode: string; e2e_ms: number; timing: Record<string, number> };
    };
    assert.equal(omnispan.mode, "direct");
    const sum = Object.values(omnispan.timing).reduce((sum, part) => sum + part, 0);
    assert.ok(Math.abs(sum - omnispan.e2e_ms) < 0.1, "the phases add up");
  },
);

test("openai: a conversation is another prompt than its last question", {}, async ({ openai }) => {
  const ask = async (messages: OpenAI.ChatCompletionMessageParam[]) =>
    (await openai.chat.completions.create({ model: "null", messages, max_tokens: 5 })).choices[0]!.message;
  const first = await ask(SKY);
  const second = await ask([{ role: "developer", content: "Be short." }, ...SKY, first, ...SKY]);
  assert.notEqual(second.content, first.content);
});

for (const mode of MODES) {
  test(`openai: a stream in ${mode} mode is the answer in pieces, then reason, counts and end`, {
    ENGINE_MODE: mode,
  }, async ({ openai }) => {
    const asked = { model: "null", messages: SKY, max_completion_tokens: 7 };
    const whole = await openai.chat.completions.create(asked);
    const stream = await openai.chat.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    const reasons: string[] = [];
    let last: OpenAI.ChatCompletionChunk | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
      last = chunk;
    }
    assert.equal(text, whole.choices[0]!.message.content);
    assert.deepEqual(reasons, ["length"]);
    assert.deepEqual(last?.choices, []);
    assert.deepEqual(last?.usage, whole.usage);
  });
}

test(
  "openai: completions take a raw prompt, whole and streamed; stop texts and seeds go along",
  {},
  async ({ openai }) => {
    const asked = { model: "null", prompt: "Once upon a time", max_tokens: 20 };
    const whole = await openai.completions.create(asked);
    const words = whole.choices[0]!.text.split(" ");
    let text = "";
    for await (const chunk of await openai.completions.create({ ...asked, stream: true, seed: 1 })) {
      text += chunk.choices[0]!.text;
    }
    assert.equal(text, whole.choices[0]!.text);
    const stop = words[8]!;
    const cut = await openai.completions.create({ ...asked, stop: [stop, "never"] });
    assert.equal(cut.choices[0]!.finish_reason, "stop");
    assert.ok(!cut.choices[0]!.text.includes(stop));
  },
);

test("openai: the models are the worker's one, and another name is not found", {}, async ({ openai }) => {
  const { data } = await openai.models.list();
  assert.deepEqual(data.map(({ id }) => id), ["null"]);
  assert.equal((await openai.models.retrieve("null")).owned_by, "sim");
  const error = await failure(openai.chat.completions.create({ model: "gpt-4o", messages: SKY }));
  assert.equal(error.status, 404);
  assert.equal(error.param, "model");
  assert.match(error.message, /model must be "null", the one that is served here, got "gpt-4o"/);
});

test("openai: what is not supported is refused by its name, and so is what is wrong", {
  MAX_TOKENS_LIMIT: 100,
}, async ({ openai }) => {
  const wrong: [Record<string, unknown>, string, RegExp][] = [
    [{ n: 2 }, "n", /^400 n must be 1 or null here: one answer is made .*, got 2$/],
    [
      { tools: [{ type: "function", function: { name: "f" } }] },
      "tools",
      /tools must be \[\] or null here: there are no tools here, got an array of 1$/,
    ],
    [{ logprobs: true }, "logprobs", /logprobs must be false or 0 or null here: .*, got true$/],
    [{ response_format: { type: "json_object" } }, "response_format", /must be {"type":"text"} or null here/],
    [{ presence_penalty: 2.5 }, "presence_penalty", /must be a number from -2 to 2, got 2.5$/],
    [{ repetition_penalty: 0 }, "repetition_penalty", /must be a number from 0.01 to 100, got 0$/],
    [{ min_tokens: 9, max_tokens: 8 }, "min_tokens", /must be at most 8, which max_tokens is, got 9$/],
    [{ logit_bias: { 5: 1 } }, "logit_bias", /logit_bias must be {} or null here: .*, got an object$/],
    [{ no_such_field: 1 }, "no_such_field", /no_such_field is no field that is known here/],
    [{ temperature: "hot" }, "temperature", /temperature must be a number from 0 to 2, got "hot"/],
    [{ temperature: 3 }, "temperature", /temperature must be a number from 0 to 2, got 3/],
    [{ max_tokens: 0 }, "max_tokens", /max_tokens must be a whole number from 1, got 0/],
    [{ max_tokens: 101 }, "max_tokens", /max_tokens must be at most 100 \(MAX_TOKENS_LIMIT\), got 101/],
    [
      { max_completion_tokens: 101 },
      "max_completion_tokens",
      /^400 max_completion_tokens must be at most 100/,
    ],
    [{ seed: 1.5 }, "seed", /seed must be a whole number of 64 bits, got 1.5/],
    [{ stop: ["a", ""] }, "stop[1]", /stop\[1\] must not be empty/],
    [{ stream_options: { include_usage: true } }, "stream_options", /must ask for nothing without stream/],
    [{ messages: [] }, "messages", /messages must be an array of 1 to 2048, got an array of 0/],
    [
      { messages: [{ role: "user" }] },
      "messages[0].content",
      /must be a text or an array of 1 to 1024 parts, got nothing/,
    ],
    [
      { messages: [{ role: "tool", content: "x", tool_call_id: "1" }] },
      "messages[0].role",
      /must be one of system, .*: there are no tools here, got "tool"$/,
    ],
    [
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
      "messages[0].content[0].type",
      /must be "text": other content is not supported here, got "image_url"$/,
    ],
  ];
  for (const [change, param, message] of wrong) {
    const body = { model: "null", messages: SKY, ...change };
    const error = await failure(openai.post("/chat/completions", { body }));
    assert.equal(error.status, 400, JSON.stringify(change));
    assert.equal(error.param, param);
    assert.equal(error.type, "invalid_request_error");
    assert.match(error.message, message);
  }
});

test("openai: values that ask for nothing more are taken", {}, async ({ openai }) => {
  const body = {
    model: "null",
    messages: SKY,
    n: 1,
    logprobs: false,
    tools: [],
    tool_choice: "auto",
    user: null,
    stop: null,
  };
  const content = [{ type: "text", text: "Why is the " }, { type: "text", text: "sky blue?" }];
  const plain = await openai.post("/chat/completions", { body }) as OpenAI.ChatCompletion;
  const parts = await openai.post("/chat/completions", {
    body: { ...body, messages: [{ role: "user", content }] },
  });
  assert.equal(
    (parts as OpenAI.ChatCompletion).choices[0]!.message.content,
    plain.choices[0]!.message.content,
  );
});

test("openai: a caller who leaves frees the row, with and without a stream", {
  profile: "fixed20",
  MAX_TOKENS_LIMIT: LONG,
}, async ({ engine, openai }) => {
  for (const stream of [false, true]) {
    const leaving = new AbortController();
    const asked = { model: "fixed20", messages: SKY, max_tokens: LONG, stream };
    const answer = openai.chat.completions.create(asked, { signal: leaving.signal });
    await waitUntil("it runs", async () => (await engine.stats()).load?.running === 1);
    if (stream) {
      const pieces = (await answer as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      await pieces.next();
    }
    leaving.abort();
    if (!stream) await assert.rejects(answer, APIUserAbortError);
    await engine.settled();
    await waitUntil("its row is free", async () => (await engine.stats()).load?.running === 0);
  }
});

test("openai: a full queue is 429 with the time to wait, a passed deadline 504, a lost worker 503", {
  profile: "fixed20",
  ENGINE_MODE: "queued",
  QUEUE_CAPACITY: 1,
  WORKER_WAIT_MS: 0,
  MAX_TOKENS_LIMIT: LONG,
}, async ({ worker, engine, openai }) => {
  const ask = (headers: Record<string, string> = {}, stream = false) =>
    openai.chat.completions.create({ model: "fixed20", messages: SKY, max_tokens: LONG, stream }, {
      headers,
    });
  const running = failure(ask());
  await waitUntil("one runs", async () => (await engine.stats()).inFlight === 1);
  for (const stream of [false, true]) {
    const late = await failure(ask({ "omnispan-timeout-ms": "100" }, stream));
    assert.equal(late.status, 504);
    assert.equal(late.code, "deadline_exceeded");
    assert.equal(late.headers!.get("x-should-retry"), "false");
  }
  const waiting = failure(ask());
  await waitUntil("one waits", async () => (await engine.stats()).queueDepth === 1);
  for (const stream of [false, true]) {
    const full = await failure(ask({}, stream));
    assert.equal(full.status, 429);
    assert.equal(full.code, "rate_limit_exceeded");
    assert.match(full.headers!.get("retry-after")!, /^\d+$/);
    assert.match(full.headers!.get("retry-after-ms")!, /^\d+$/);
  }
  worker.kill("SIGKILL");
  for (const error of await Promise.all([running, waiting])) {
    assert.equal(error.status, 503);
    assert.equal(error.code, "worker_unavailable");
  }
});

test("openai: a worker that dies under a stream is an error in the stream", {
  profile: "fixed20",
  MAX_TOKENS_LIMIT: LONG,
}, async ({ worker, openai }) => {
  const stream = await openai.chat.completions.create({
    model: "fixed20",
    messages: SKY,
    max_tokens: LONG,
    stream: true,
  });
  let chunks = 0;
  const error = await failure((async () => {
    for await (const _ of stream) if (++chunks === 3) worker.kill("SIGKILL");
  })());
  assert.ok(chunks >= 3);
  assert.equal(error.code, "worker_unavailable");
  assert.match(error.message, /after \d+ tokens of this answer/);
});

test("openai: a mode hint schedules one request otherwise; a user is a tenant", {
  ENGINE_MODE: "micro_batch",
}, async ({ openai, engine }) => {
  const asked = { model: "null", messages: SKY, max_tokens: 2, user: "alice" };
  const modes: string[] = [];
  for (const headers of [{}, { "omnispan-mode": "direct" }, { "omnispan-mode": "queued" }]) {
    const answer = await openai.chat.completions.create(asked, { headers });
    modes.push((answer as unknown as { omnispan: { mode: string } }).omnispan.mode);
  }
  assert.deepEqual(modes, ["micro_batch", "direct", "queued"]);
  const error = await failure(
    openai.chat.completions.create(asked, { headers: { "omnispan-mode": "fast" } }),
  );
  assert.match(error.message, /omnispan-mode must be one of/);
  assert.equal(error.param, "omnispan-mode");
  const metrics = await (await fetch(`${engine.url}/metrics`)).text();
  assert.match(metrics, /omnispan_requests_total\{[^}]*mode="queued"[^}]*tenant="alice"[^}]*\} 1/);
});

test("ai: Vercel's SDK generates and streams", {}, async ({ engine, openai }) => {
  const provider = createOpenAICompatible({
    name: "omnispan",
    baseURL: `${engine.url}/v1`,
    includeUsage: true,
  });
  const options = { model: provider("null"), prompt: SKY[0]!.content, maxOutputTokens: 6, maxRetries: 0 };
  const expected = await openai.chat.completions.create({ model: "null", messages: SKY, max_tokens: 6 });
  const { text, finishReason, usage } = await generateText(options);
  assert.equal(text, expected.choices[0]!.message.content);
  assert.equal(finishReason, "length");
  assert.equal(usage.outputTokens, 6);
  const stream = streamText(options);
  let streamed = "";
  for await (const piece of stream.textStream) streamed += piece;
  assert.equal(streamed, text);
  assert.equal((await stream.usage).outputTokens, 6);
});

Deno.test({
  name: "curl: an answer, a stream and an error as they go over the wire",
  ignore: !hasCommand("curl"),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = await SimWorker.start();
    await using engine = await httpEngineFor(worker.address);
    await engine.connected();
    const curl = (path: string, body: unknown) =>
      runShellLine(
        `curl -sS -i ${engine.url}${path} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`,
      );
    const whole = await curl("/v1/chat/completions", {
      messages: [{ role: "user", content: "hi" }],
      max_tokens: 2,
    });
    assert.match(
      whole,
      /^HTTP\/1.1 200 OK[\s\S]*application\/json[\s\S]*"finish_reason":"length"/,
    );
    const stream = await curl("/v1/completions", { prompt: "hi", max_tokens: 2, stream: true });
    assert.match(
      stream,
      /content-type: text\/event-stream[\s\S]*\r\n\r\n(data: \{.*\}\n\n)+data: \[DONE\]\n\n$/,
    );
    const error = await curl("/v1/completions", { prompt: "", max_tokens: 2 });
    assert.match(
      error,
      /^HTTP\/1.1 400 [\s\S]*\{"error":\{"message":"prompt must not be empty",.*"param":"prompt"/,
    );
  },
});
