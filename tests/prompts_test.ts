/** Several prompts in one request for completions, prompts of tokens, and counts as they grow: real processes. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { MODES } from "../src/core/modes/modes.ts";
import type { TestEngine } from "./support/engine.ts";
import { failure, LONG, siteTest as test } from "./support/http_site.ts";
import { waitUntil } from "./support/wait.ts";

const PROMPTS = ["Once upon a time", "The sky is", "One, two,"];

interface Details {
  readonly e2e_ms: number;
  readonly dispatch: { readonly id: number; readonly size: number };
}
type Choice = OpenAI.CompletionChoice & { readonly omnispan?: Details };

function clientOf(engine: TestEngine): OpenAI {
  return new OpenAI({ baseURL: `${engine.url}/v1`, apiKey: "none", maxRetries: 0, timeout: 60_000 });
}

test("several prompts are several requests: choices in their order, counts as a sum, one batch", {
  ENGINE_MODE: "micro_batch",
  MAX_BATCH_SIZE: PROMPTS.length,
  BATCH_WINDOW_MS: 10_000,
}, async ({ engine }) => {
  const openai = clientOf(engine);
  const asked = { model: "null", max_tokens: 5 };
  const answer = await openai.completions.create({ ...asked, prompt: PROMPTS });
  const choices = answer.choices as Choice[];
  assert.deepEqual(choices.map(({ index }) => index), [0, 1, 2]);
  assert.deepEqual(choices.map(({ omnispan }) => omnispan!.dispatch.size), [3, 3, 3]);
  assert.equal(new Set(choices.map(({ omnispan }) => omnispan!.dispatch.id)).size, 1);
  assert.ok(!("omnispan" in answer));
  assert.deepEqual(answer.usage, { prompt_tokens: 4 + 3 + 2, completion_tokens: 15, total_tokens: 24 });
  const alone = await Promise.all(
    PROMPTS.map(async (prompt) => await openai.completions.create({ ...asked, prompt })),
  );
  assert.deepEqual(choices.map(({ text }) => text), alone.map(({ choices }) => choices[0]!.text));
  assert.equal((await engine.stats()).acceptedRequests, 6);
});

for (const mode of MODES) {
  test(`a stream of several prompts in ${mode} mode has each one's answer under its index`, {
    ENGINE_MODE: mode,
    profile: "fixed20",
  }, async ({ engine }) => {
    const openai = clientOf(engine);
    const asked = { model: "fixed20", prompt: PROMPTS, max_tokens: 6 };
    const whole = await openai.completions.create(asked);
    const texts = PROMPTS.map(() => "");
    const ends: (string | null)[] = PROMPTS.map(() => null);
    const order: number[] = [];
    let usage: OpenAI.CompletionUsage | null | undefined;
    const stream = await openai.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      for (const { index, text, finish_reason } of chunk.choices) {
        assert.equal(ends[index], null, "nothing comes after a choice's end");
        texts[index] += text;
        order.push(index);
        ends[index] = finish_reason;
      }
      usage = chunk.usage;
    }
    assert.deepEqual(texts, whole.choices.map(({ text }) => text));
    assert.deepEqual(ends, ["length", "length", "length"]);
    assert.deepEqual(usage, whole.usage);
    const turns = order.filter((index, at) => index !== order[at - 1]).length;
    assert.ok(mode === "queued" ? turns === 3 : turns > 3, `in ${mode} mode: ${order}`);
  });
}

test("prompts of tokens are counted and answered as they are, one or several", {}, async ({ engine }) => {
  const openai = clientOf(engine);
  const asked = { model: "null", max_tokens: 3 };
  const one = await openai.completions.create({ ...asked, prompt: [1, 2, 3, 4] });
  assert.equal(one.usage!.prompt_tokens, 4);
  const two = await openai.completions.create({ ...asked, prompt: [[1, 2, 3, 4], [5]] });
  assert.deepEqual(two.usage, { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 });
  assert.equal(two.choices[0]!.text, one.choices[0]!.text);
  assert.notEqual(two.choices[1]!.text, one.choices[0]!.text);
});

test("the counts so far stand in every chunk where they are asked for", {}, async ({ engine }) => {
  const openai = clientOf(engine);
  for (const [prompt, before] of [["a b c", null], [[7, 8, 9], 3]] as const) {
    for (const include_usage of [true, false]) {
      const stream = await openai.completions.create({
        model: "null",
        prompt: typeof prompt === "string" ? prompt : [...prompt],
        max_tokens: 4,
        stream: true,
        stream_options: { include_usage, continuous_usage_stats: true } as OpenAI.ChatCompletionStreamOptions,
      });
      const counts: (OpenAI.CompletionUsage | null | undefined)[] = [];
      let tokens = 0;
      for await (const chunk of stream) {
        counts.push(chunk.usage);
        if (chunk.choices[0]) assert.ok(chunk.usage!.completion_tokens >= tokens);
        tokens = chunk.usage!.completion_tokens;
      }
      assert.equal(counts[0]?.prompt_tokens, before);
      assert.ok(counts[0]!.completion_tokens >= 1);
      assert.deepEqual(counts.at(-1), { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 });
      if (include_usage) assert.deepEqual(counts.at(-2), counts.at(-1));
    }
  }
});

test(
  "one prompt that breaks a rule refuses them all, by its name, and none is asked",
  {},
  async ({ engine }) => {
    const openai = clientOf(engine);
    const wrong: [unknown, string, RegExp][] = [
      [["fine", ""], "prompt[1]", /^400 prompt\[1\] must not be empty$/],
      [Array(129).fill("x"), "prompt", /^400 prompt must be .* of 1 to 128 of these, got an array of 129$/],
      [["fine", [1.5]], "prompt", /^400 prompt must be a text, an array of token ids/],
    ];
    for (const [prompt, param, message] of wrong) {
      const error = await failure(openai.post("/completions", { body: { prompt, max_tokens: 2 } }));
      assert.equal(error.status, 400);
      assert.equal(error.param, param);
      assert.match(error.message, message);
    }
    assert.equal((await engine.stats()).acceptedRequests, 0);
  },
);

for (const stream of [false, true]) {
  const how = stream ? "in a stream" : "in one piece";
  test(`when the queue has no room for all of them, none is answered ${how}, and nothing of them goes on`, {
    profile: "fixed20",
    ENGINE_MODE: "queued",
    QUEUE_CAPACITY: 2,
  }, async ({ engine }) => {
    const openai = clientOf(engine);
    const asked = { model: "fixed20", max_tokens: LONG, stream };
    const error = await failure(
      openai.completions.create({ ...asked, prompt: [...PROMPTS, "more", "and more"] }),
    );
    assert.equal(error.status, 429);
    assert.equal(error.code, "rate_limit_exceeded");
    await engine.settled();
    await waitUntil("their rows are free", async () => (await engine.stats()).load?.running === 0);
    const metrics = await (await fetch(`${engine.url}/metrics`)).text();
    assert.match(metrics, /omnispan_requests_total\{[^}]*status="cancelled"[^}]*\} \d/);
    const { usage } = await openai.completions.create({
      model: "fixed20",
      prompt: ["a", "b"],
      max_tokens: 2,
    });
    assert.equal(usage!.completion_tokens, 4);
  });
}

test(
  "a prompt that fails within a stream ends it for all with an error; a caller who leaves frees all rows",
  {
    profile: "fixed20",
    ENGINE_MODE: "continuous",
  },
  async ({ engine, worker }) => {
    const openai = clientOf(engine);
    const asked = { model: "fixed20", prompt: PROMPTS, max_tokens: LONG };
    for (const stream of [false, true]) {
      const leaving = new AbortController();
      const answer = openai.completions.create({ ...asked, stream }, { signal: leaving.signal });
      await waitUntil("they run", async () => (await engine.stats()).load?.running === PROMPTS.length);
      leaving.abort();
      await Promise.allSettled([answer]);
      await engine.settled();
      await waitUntil("their rows are free", async () => (await engine.stats()).load?.running === 0);
    }
    let chunks = 0;
    const error = await failure((async () => {
      for await (const _ of await openai.completions.create({ ...asked, stream: true })) {
        if (++chunks === 6) worker.kill("SIGKILL");
      }
    })());
    assert.ok(chunks >= 6);
    assert.equal(error.code, "worker_unavailable");
    await engine.settled();
  },
);

test("unknown fields are ignored where the engine is set so, and named in a header of the answer", {
  UNKNOWN_FIELDS: "ignore",
}, async ({ engine }) => {
  const headers = { "content-type": "application/json" };
  const ask = async (path: string, body: Record<string, unknown>) => {
    const init = { method: "POST", headers, body: JSON.stringify({ max_tokens: 2, ...body }) };
    const response = await fetch(`${engine.url}/v1/${path}`, init);
    return [response.status, response.headers.get("omnispan-ignored-fields"), await response.text()] as const;
  };
  const messages = [{ role: "user", content: [{ type: "text", text: "hi", cache_control: 1 }] }];
  for (const stream of [false, true]) {
    const more = { stream, stream_options: { x: 1 }, num_ctx: 5 };
    const [status, ignored, body] = await ask("chat/completions", { messages, ...more });
    assert.deepEqual([status, ignored], [
      200,
      "messages[].content[].cache_control, stream_options.x, num_ctx",
    ]);
    assert.match(body, /simulated-/);
  }
  const [status, ignored] = await ask("completions", { prompt: "", num_ctx: 5 });
  assert.deepEqual([status, ignored], [400, "num_ctx"]);
  assert.equal((await ask("completions", { prompt: "hi", tools: [] }))[1], "tools");
  assert.equal((await ask("completions", { prompt: "hi", num_ctx: null }))[1], null);
  const [refused, , error] = await ask("completions", { prompt: "hi", n: 2 });
  assert.equal(refused, 400);
  assert.match(error, /n must be 1 or null here/);
});
