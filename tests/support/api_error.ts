import assert from "node:assert/strict";
import { APIError } from "openai";

/** The error that a call of OpenAI's client must end with. */
export async function failure(promise: Promise<unknown>): Promise<APIError> {
  try {
    await promise;
  } catch (thrown) {
    assert.ok(thrown instanceof APIError, String(thrown));
    return thrown;
  }
  throw new Error("it was answered");
}
