import assert from "node:assert/strict";
import { ask, BEGUN, bodyOf, type ChatProgress, type ChatRequest, tokenRate } from "./chat.ts";
import { Refusal } from "./refusal.ts";

const REQUEST: ChatRequest = {
  model: "m",
  system: "",
  user: "hello",
  maxTokens: 8,
  temperature: 0,
  seed: undefined,
  mode: "",
};
const ENGINE = {
  mode: "queued",
  ttft_ms: 1,
  tpot_ms: 2,
  e2e_ms: 3,
  queue_wait_ms: 0,
  timing: { queue_ms: 1 },
};

Deno.test("an answer grows with its chunks; a first one without text counts for no time", async () => {
  const seen = await asked(REQUEST, () =>
    events([
      { choices: [{ delta: { role: "assistant", content: "" }, finish_reason: null }] },
      { choices: [{ delta: { content: "one " }, finish_reason: null }] },
      { choices: [{ delta: { content: "two" }, finish_reason: null }] },
      { choices: [{ delta: {}, finish_reason: "stop" }], omnispan: ENGINE },
      { choices: [], usage: { prompt_tokens: 4, completion_tokens: 2 } },
    ], "data: [DONE]\n\n"));
  assert.deepEqual(seen.map(({ text }) => text), ["", "one ", "one two", "one two", "one two"]);
  assert.equal(seen[0]?.ttftMs, undefined);
  const { ttftMs, lastMs, ...rest } = seen.at(-1) ?? BEGUN;
  assert.ok(ttftMs !== undefined && lastMs !== undefined && ttftMs > 0 && ttftMs <= lastMs);
  assert.deepEqual(rest, {
    text: "one two",
    outputTokens: 2,
    inputTokens: 4,
    finishReason: "stop",
    engine: ENGINE,
  });
});

Deno.test("mode and key go out in headers, what is not given does not go out", async () => {
  const heads: (string | null)[] = [];
  const hear = (request: Request) => {
    heads.push(request.headers.get("omnispan-mode"), request.headers.get("authorization"));
    return events([], "data: [DONE]\n\n");
  };
  await asked(REQUEST, hear);
  await asked({ ...REQUEST, mode: "direct" }, hear, "k");
  assert.deepEqual(heads, [null, null, "direct", "Bearer k"]);
  assert.deepEqual(bodyOf(REQUEST)["messages"], [{ role: "user", content: "hello" }]);
  assert.ok(!("seed" in bodyOf(REQUEST)));
  assert.equal(bodyOf({ ...REQUEST, seed: 0 })["seed"], 0);
  assert.deepEqual(bodyOf({ ...REQUEST, system: "be brief" })["messages"], [
    { role: "system", content: "be brief" },
    { role: "user", content: "hello" },
  ]);
});

Deno.test("what the engine refuses, and what breaks on the way, comes in its own words", async () => {
  const refuse = () => Response.json({ error: { message: "the queue is full" } }, { status: 429 });
  await assert.rejects(
    asked(REQUEST, refuse),
    (error) => error instanceof Refusal && error.status === 429 && /queue is full/.test(error.message),
  );
  await assert.rejects(asked(REQUEST, () => new Response("<html>", { status: 502 })), /HTTP status 502/);
  await assert.rejects(
    asked(REQUEST, () => events([{ error: { message: "the worker was lost" } }], "")),
    /worker was lost/,
  );
  await assert.rejects(asked(REQUEST, () => events([{ choices: [] }], "")), /broke before the answer's end/);
});

Deno.test("tokens a second are told only of more than one token", () => {
  const told = { ...BEGUN, ttftMs: 100, lastMs: 1100 };
  assert.equal(tokenRate({ ...told, outputTokens: 11 }), 10);
  assert.equal(tokenRate({ ...told, outputTokens: 1 }), null);
  assert.equal(tokenRate(told), null);
  assert.equal(tokenRate({ ...told, lastMs: 100, outputTokens: 11 }), null);
});

function events(chunks: readonly unknown[], end: string): Response {
  const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
  return new Response(text + end, { headers: { "content-type": "text/event-stream" } });
}

async function asked(
  request: ChatRequest,
  handler: (request: Request) => Response,
  key = "",
): Promise<ChatProgress[]> {
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}/`;
  return await Array.fromAsync(ask(url, key, request, AbortSignal.timeout(5000)));
}
