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

Deno.test("the header's tenant goes before the user", () => {
  const body = readChatRequest({ messages: MESSAGES, user: "u" });
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
  fc.assert(fc.property(fc.dictionary(fc.string(), json), json, (fields, messages) => {
    for (const read of [readChatRequest, readCompletionRequest]) {
      try {
        const body = read({ ...fields, messages, prompt: messages });
        if (read === readCompletionRequest) {
          toRawCompletion(body as ReturnType<typeof readCompletionRequest>, HEADERS);
        }
      } catch (thrown) {
        assert.ok(thrown instanceof OmnispanError, String(thrown));
        assert.equal(thrown.code, "invalid_argument");
        assert.ok(!thrown.message.includes(secret), thrown.message);
      }
    }
  }));
});

Deno.test("a completion takes one raw text", () => {
  const prompt = (value: unknown) => toRawCompletion(readCompletionRequest({ prompt: value }), HEADERS);
  assert.equal(prompt("once").rawPrompt, true);
  assert.equal(prompt(["once"]).prompt, "once");
  assert.throws(() => prompt(["a", "b"]), /^OmnispanError: prompt must be one text: .*, got an array of 2$/);
  assert.throws(() => prompt([1, 2]), /prompt must be one text/);
  assert.throws(() => prompt(5), /prompt must be /);
});
