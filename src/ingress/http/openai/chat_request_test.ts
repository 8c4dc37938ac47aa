import assert from "node:assert/strict";
import fc from "fast-check";
import { OmnispanError } from "../../../errors.ts";
import { readChatRequest, toRawChat } from "./chat_request.ts";
import { readCompletionRequest, toRawCompletion } from "./completion_request.ts";

const HEADERS = { requestId: "r", tenantId: undefined, modeHint: "" };
const MESSAGES = [{ role: "user", content: "hi" }];

function raw(body: Record<string, unknown>) {
  return toRawChat(readChatRequest({ messages: MESSAGES, ...body }), HEADERS);
}

Deno.test("what a request leaves out is OpenAI's default, or the engine's", () => {
  assert.deepEqual(raw({}), {
    requestId: "r",
    tenantId: "",
    modeHint: "",
    names: { request_id: "x-request-id", mode_hint: "omnispan-mode", tenant_id: "user" },
    prompt: "",
    messages: MESSAGES,
    rawPrompt: false,
    maxTokens: 0,
    temperature: 1,
    topP: 0,
    topK: 0,
    stop: [],
    ignoreEos: false,
  });
});

Deno.test("a top_p of 0 is the least, not none; a seed of 0 is one; null is as left out", () => {
  assert.ok(raw({ top_p: 0 }).topP > 0);
  assert.equal(raw({ seed: 0 }).seed, 0);
  assert.deepEqual(
    raw({ top_p: null, seed: null, stop: null, temperature: null, max_tokens: null }),
    raw({}),
  );
});

Deno.test("the header's tenant goes before the user, and that before OpenAI's newer name for it", () => {
  const body = readChatRequest({ messages: MESSAGES, user: "u", safety_identifier: "s" });
  assert.equal(raw({ safety_identifier: "s" }).tenantId, "s");
  assert.equal(toRawChat(body, HEADERS).tenantId, "u");
  assert.equal(toRawChat(body, { ...HEADERS, tenantId: "t" }).tenantId, "t");
});

Deno.test("developer is system to a template; parts of text are one text", () => {
  const messages = [
    { role: "developer", content: [{ type: "text", text: "be " }, { type: "text", text: "brief" }] },
    ...MESSAGES,
  ];
  assert.deepEqual(raw({ messages }).messages, [{ role: "system", content: "be brief" }, ...MESSAGES]);
});

Deno.test("whatever JSON comes is read or refused by a field's name; no text of it is repeated beyond 32 characters", () => {
  const secret = "a secret that is longer than thirty-two characters";
  const json = fc.jsonValue().map((value) =>
    JSON.parse(JSON.stringify(value).replaceAll('""', JSON.stringify(secret)))
  );
  const ways = [
    (body: unknown) => toRawChat(readChatRequest(body), HEADERS),
    (body: unknown) => toRawCompletion(readCompletionRequest(body), HEADERS),
  ];
  fc.assert(fc.property(fc.dictionary(fc.string(), json), json, (fields, text) => {
    for (const way of ways) {
      for (const body of [{ ...fields, messages: text, prompt: text }, { messages: [fields] }, fields]) {
        try {
          way(body);
        } catch (thrown) {
          assert.ok(thrown instanceof OmnispanError, String(thrown));
          assert.equal(thrown.code, "invalid_argument");
          assert.ok(!thrown.message.includes(secret), thrown.message);
        }
      }
    }
  }));
});

Deno.test("where a text belongs, or may be meant to, an error tells its length alone, however short it is", () => {
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ messages: "my password" }, /^messages must be an array, got a text of 11 characters$/],
    [{ messages: ["my password"] }, /^messages\[0\] must be an object, got a text of 11/],
    [
      { messages: [{ role: "my password", content: "x" }] },
      /^messages\[0\]\.role must be .*, got a text of 11/,
    ],
    [
      { messages: [{ role: "user", content: ["my password"] }] },
      /content\[0\] must be an object, got a text of 11/,
    ],
    [
      { messages: [{ ...MESSAGES[0], refusal: "my password" }] },
      /refusal is not supported here, got a text of 11/,
    ],
    [
      { messages: MESSAGES, prediction: "my password" },
      /^prediction is not supported here, got a text of 11/,
    ],
  ];
  for (const [body, message] of wrong) {
    assert.throws(
      () => toRawChat(readChatRequest(body), HEADERS),
      (thrown: Error) => message.test(thrown.message),
    );
  }
  assert.throws(
    () => readCompletionRequest({ prompt: "x", suffix: "my password" }),
    /got a text of 11 characters$/,
  );
});

Deno.test("lists are counted before they are looked at", () => {
  const many = Array(140_000).fill({ role: "user", content: "" });
  assert.throws(() => raw({ messages: many }), /messages must be 1 to 2048, got 140000$/);
  const parts = Array(140_000).fill({ type: "text", text: "" });
  assert.throws(
    () => raw({ messages: [{ role: "user", content: parts }] }),
    /content must be 1 to 1024, got 140000$/,
  );
});

Deno.test("an answer is taken back as clients keep it, whatever they put to it that is null", () => {
  const answer = {
    role: "assistant",
    content: "yes",
    refusal: null,
    parsed: null,
    annotations: [],
    tool_calls: [],
  };
  assert.deepEqual(raw({ messages: [MESSAGES[0], answer, MESSAGES[0]] }).messages[1], {
    role: "assistant",
    content: "yes",
  });
  assert.deepEqual(raw({ reasoning_effort: null, no_such_field: null }), raw({}));
});

Deno.test("every field that OpenAI's client knows is known here", async () => {
  const types = import.meta.resolve("openai/resources/chat/completions/completions").replace(
    /\.m?js$/,
    ".d.ts",
  );
  const source = await Deno.readTextFile(new URL(types));
  const [, fields = ""] = /export interface ChatCompletionCreateParamsBase \{([\s\S]*?)\n\}/.exec(source) ??
    [];
  const names = [...fields.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name]) => name!);
  assert.ok(names.length > 25, `${names.length} fields were found`);
  for (const name of names) {
    try {
      readChatRequest({ messages: MESSAGES, [name]: { some: "thing" } });
    } catch (thrown) {
      assert.ok(!String(thrown).includes("no field that is known"), String(thrown));
    }
  }
});

Deno.test("a completion takes one raw text", () => {
  const prompt = (value: unknown) => toRawCompletion(readCompletionRequest({ prompt: value }), HEADERS);
  assert.equal(prompt("once").rawPrompt, true);
  assert.equal(prompt(["once"]).prompt, "once");
  assert.throws(() => prompt(["a", "b"]), /^OmnispanError: prompt must be one text: .*, got an array of 2$/);
  assert.throws(() => prompt([1, 2]), /prompt must be one text/);
  assert.throws(() => prompt(5), /prompt must be /);
});
