import assert from "node:assert/strict";
import { OmnispanError } from "../core/errors.ts";
import { type RawRequest, type RequestLimits, validate } from "./validate.ts";

const LIMITS: RequestLimits = {
  DEFAULT_MAX_TOKENS: 64,
  MAX_TOKENS_LIMIT: 100,
  MAX_PROMPT_BYTES: 12,
  MODE_HINTS: true,
};
const GOOD: RawRequest = {
  requestId: "r",
  tenantId: "t",
  prompt: "hi",
  promptTokens: [],
  messages: [],
  rawPrompt: false,
  maxTokens: 5,
  minTokens: 0,
  temperature: 0,
  topP: 0,
  topK: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  repetitionPenalty: 0,
  stop: [],
  ignoreEos: false,
  modeHint: "",
};

function submit(changes: Partial<RawRequest>, limits = LIMITS) {
  return validate({ ...GOOD, ...changes }, limits, { receivedAt: 1000, deadline: undefined, stream: false });
}

function refuses(changes: Partial<RawRequest>, message: RegExp): void {
  assert.throws(() => submit(changes), (thrown: unknown) => {
    assert.ok(thrown instanceof OmnispanError);
    assert.equal(thrown.code, "invalid_argument");
    assert.match(thrown.message, message);
    return true;
  });
}

Deno.test("a good request keeps its fields, and 0 tokens mean the default", () => {
  const { requestId, tenantId, prompt, maxTokens } = GOOD;
  const plain = { requestId, tenantId, prompt, promptBytes: 2, maxTokens, stream: false, receivedAt: 1000 };
  assert.deepEqual(submit({}), plain);
  assert.equal(submit({ maxTokens: 0 }).maxTokens, 64);
  assert.equal(submit({ maxTokens: 100 }).maxTokens, 100);
});

Deno.test("an error names the field, the rule and the value", () => {
  refuses({ prompt: "" }, /prompt must not be empty/);
  refuses({ maxTokens: 101 }, /max_tokens must be at most 100 .*, got 101/);
  refuses({ requestId: "x".repeat(257) }, /request_id must be at most 256 bytes of UTF-8, got 257/);
  refuses({ tenantId: "x".repeat(257) }, /tenant_id must be at most 256 bytes of UTF-8, got 257/);
});

Deno.test("options that are given go along, all of them, and a seed of 0 is one", () => {
  assert.deepEqual(submit({ seed: 0, stop: ["\n"] }).options, {
    temperature: 0,
    topP: 0,
    topK: 0,
    seed: 0,
    stop: ["\n"],
    ignoreEos: false,
    minTokens: 0,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repetitionPenalty: 0,
  });
  for (const [name, value] of [["minTokens", 5], ["frequencyPenalty", -2], ["presencePenalty", 2]] as const) {
    assert.equal(submit({ [name]: value }).options?.[name], value);
  }
  assert.equal(submit({ repetitionPenalty: 1.2 }).options?.repetitionPenalty, 1.2);
  assert.equal(submit({ repetitionPenalty: 1 }).options, undefined);
});

Deno.test("an option out of its range is refused by name, whatever kind of number it is", () => {
  refuses({ temperature: 2.1 }, /^temperature must be a number from 0 to 2, got 2.1$/);
  refuses({ temperature: NaN }, /^temperature must be .*, got NaN$/);
  refuses({ topP: -0.5 }, /^top_p must be a number above 0 to 1, got -0.5$/);
  refuses({ topP: Infinity }, /^top_p must be .*, got Infinity$/);
  refuses({ frequencyPenalty: 2.5 }, /^frequency_penalty must be a number from -2 to 2, got 2.5$/);
  refuses({ presencePenalty: NaN }, /^presence_penalty must be a number from -2 to 2, got NaN$/);
  refuses({ repetitionPenalty: -1 }, /^repetition_penalty must be a number from 0.01 to 100, got -1$/);
  refuses({ repetitionPenalty: Infinity }, /^repetition_penalty must be .*, got Infinity$/);
  refuses({ minTokens: 6 }, /^min_tokens must be at most 5, which max_tokens is, got 6$/);
  refuses({ stop: Array(17).fill("x") }, /^stop must be at most 16 texts, got 17$/);
  refuses({ stop: ["x", ""] }, /^stop\[1\] must not be empty$/);
  refuses({ stop: ["x".repeat(257)] }, /^stop\[0\] must be at most 256 bytes of UTF-8, got 257$/);
});

Deno.test("a prompt is measured in bytes, and its text stays out of the error", () => {
  assert.equal(submit({ prompt: "éééééé" }).prompt, "éééééé");
  refuses({ prompt: "ééééééé" }, /^prompt must be at most 12 bytes of UTF-8 \(MAX_PROMPT_BYTES\), got 14$/);
});

Deno.test("tokens stand in the place of a prompt, never beside one, and count with four bytes each", () => {
  const promptTokens = [1, 2, 3];
  assert.deepEqual(submit({ prompt: "", promptTokens }).promptTokens, promptTokens);
  assert.equal(submit({ prompt: "", promptTokens }).promptBytes, 12);
  refuses({ promptTokens }, /^prompt_tokens must be empty beside prompt and messages, got 3$/);
  refuses(
    { prompt: "", promptTokens: [1, 2, 3, 4] },
    /^prompt_tokens must be at most 12 bytes, 4 for each token \(MAX_PROMPT_BYTES\), got 4 tokens$/,
  );
});

Deno.test("a conversation stands in the place of a prompt, never beside one, and counts with all its messages", () => {
  const messages = [{ role: "user", content: "hi" }];
  assert.deepEqual(submit({ prompt: "", messages }).messages, messages);
  assert.equal(submit({ prompt: "", messages }).promptBytes, 6);
  refuses({ messages }, /^prompt must be empty beside messages, got 1 of these$/);
  refuses({ prompt: "", messages, rawPrompt: true }, /^raw_prompt must be false beside messages/);
  refuses(
    { prompt: "", messages: [...messages, { role: "tool", content: "" }] },
    /^messages\[1\]\.role must be one of system, user, assistant, got a text of 4 characters$/,
  );
  refuses({ prompt: "", messages: [...messages, ...messages, ...messages] }, /^messages must be .*, got 18$/);
  refuses(
    { prompt: "", messages: Array(2049).fill(messages[0]) },
    /^messages must be at most 2048, got 2049$/,
  );
  refuses(
    { prompt: "", messages: [...messages, { role: "user", content: "" }] },
    /^messages\[1\]\.content must not be empty in the last message$/,
  );
});

Deno.test("a mode hint is a mode, and only where hints are allowed", () => {
  assert.equal(submit({ modeHint: "queued" }).mode, "queued");
  assert.equal("mode" in submit({}), false);
  refuses({ modeHint: "fast" }, /^mode_hint must be one of direct, .*, got "fast"$/);
  assert.throws(
    () => submit({ modeHint: "queued" }, { ...LIMITS, MODE_HINTS: false }),
    /MODE_HINTS is false/,
  );
});
