import { z } from "zod";
import type { RawRequest } from "../../validate.ts";
import { invalid, type OwnHeaders, readBody, sharedFields, sharedRequest, unsupported } from "./schema.ts";

const schema = z.strictObject({
  ...sharedFields,
  prompt: z.union([z.string(), z.array(z.unknown())]),
  best_of: unsupported(1),
  echo: unsupported(false),
  logprobs: unsupported(false),
  suffix: unsupported(""),
});

export type CompletionRequest = z.infer<typeof schema>;

/** @throws {OmnispanError} invalid_argument */
export function readCompletionRequest(body: unknown): CompletionRequest {
  return readBody(schema, body);
}

/** The prompt goes to the model as it is, without a chat template, as OpenAI has it. */
export function toRawCompletion(body: CompletionRequest, headers: OwnHeaders): RawRequest {
  return { ...sharedRequest(body, headers), prompt: promptOf(body), messages: [], rawPrompt: true };
}

/** One text; OpenAI's API also takes several, and lists of tokens. */
function promptOf({ prompt }: CompletionRequest): string {
  if (typeof prompt === "string") return prompt;
  const [only] = prompt;
  if (prompt.length === 1 && typeof only === "string") return only;
  throw invalid(
    "prompt",
    `must be one text: several and token lists are not supported here, got an array of ${prompt.length}`,
  );
}
