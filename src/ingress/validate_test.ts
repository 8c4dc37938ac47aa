import assert from "node:assert/strict";
import { OmnispanError } from "../errors.ts";
import { type RawRequest, type RequestLimits, validate } from "./validate.ts";

const LIMITS: RequestLimits = { DEFAULT_MAX_TOKENS: 64, MAX_TOKENS_LIMIT: 100, MAX_PROMPT_BYTES: 12 };
const GOOD: RawRequest = { requestId: "r", tenantId: "t", prompt: "hi", maxTokens: 5 };

function submit(changes: Partial<RawRequest>) {
  return validate({ ...GOOD, ...changes }, LIMITS, 1000, undefined);
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
  assert.deepEqual(submit({}), { ...GOOD, receivedAt: 1000 });
  assert.equal(submit({ maxTokens: 0 }).maxTokens, 64);
  assert.equal(submit({ maxTokens: 100 }).maxTokens, 100);
});

Deno.test("an error names the field, the rule and the value", () => {
  refuses({ prompt: "" }, /prompt must not be empty/);
  refuses({ maxTokens: 101 }, /max_tokens must be at most 100 .*, got 101/);
  refuses({ requestId: "x".repeat(257) }, /request_id must be at most 256 characters, got 257/);
  refuses({ tenantId: "x".repeat(257) }, /tenant_id must be at most 256 characters, got 257/);
});

Deno.test("a prompt is measured in bytes, and its text stays out of the error", () => {
  assert.equal(submit({ prompt: "éééééé" }).prompt, "éééééé");
  refuses({ prompt: "ééééééé" }, /^prompt must be at most 12 bytes of UTF-8 \(MAX_PROMPT_BYTES\), got 14$/);
});
