import { z } from "zod";
import type { RawRequest } from "../../validate.ts";
import {
  invalid,
  type OwnHeaders,
  readBody,
  sharedFields,
  sharedRequest,
  sharedUnsupported,
  shown,
  type Unsupported,
} from "./schema.ts";

const schema = z.object(sharedFields);

const UNSUPPORTED: Unsupported = new Map<string, readonly unknown[]>([
  ...sharedUnsupported,
  ["best_of", [1]],
  ["echo", [false]],
  ["logprobs", [false]],
  ["suffix", [""]],
]);

export type CompletionRequest = z.infer<typeof schema> & { readonly prompt: unknown };

/** @throws {OmnispanError} invalid_argument */
export function readCompletionRequest(body: unknown): CompletionRequest {
  return readBody(schema, "prompt", UNSUPPORTED, body);
}

/**
 * The prompt goes to the model as it is, without a chat template, as OpenAI has it.
 * @throws {OmnispanError} invalid_argument
 */
export function toRawCompletion(body: CompletionRequest, headers: OwnHeaders): RawRequest {
  return { ...sharedRequest(body, headers), prompt: promptOf(body), messages: [], rawPrompt: true };
}

/** One text; OpenAI's API also takes several, and lists of tokens. */
function promptOf({ prompt }: CompletionRequest): string {
  const only = Array.isArray(prompt) && prompt.length === 1 ? prompt[0] : prompt;
  if (typeof only === "string") return only;
  const got = shown("prompt", prompt);
  throw invalid("prompt", `must be one text: several and token lists are not supported here, got ${got}`);
}
