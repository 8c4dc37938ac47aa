import { z } from "zod";
import type { ChatMessage } from "../../../types.ts";
import type { RawRequest } from "../../validate.ts";
import { invalid, type OwnHeaders, readBody, sharedFields, sharedRequest, unsupported } from "./schema.ts";

/** Roles as OpenAI has them, and what chat templates know them as. */
const ROLES = { system: "system", developer: "system", user: "user", assistant: "assistant" } as const;

const part = z.looseObject({ type: z.string(), text: z.string().optional() });

const message = z.strictObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: z.union([z.string(), z.array(part)]).nullish(),
  name: unsupported(),
  // What an answer of ours has beside its text, sent back with the next question.
  refusal: unsupported(),
  annotations: unsupported([]),
  tool_calls: unsupported([]),
  tool_call_id: unsupported(),
  function_call: unsupported(),
  audio: unsupported(),
});

const schema = z.strictObject({
  ...sharedFields,
  messages: z.array(message).min(1),
  max_completion_tokens: z.int().min(1).max(2 ** 32 - 1).nullish(),
  logprobs: unsupported(false),
  top_logprobs: unsupported(0),
  tools: unsupported([]),
  tool_choice: unsupported("none", "auto"),
  parallel_tool_calls: unsupported(true, false),
  functions: unsupported([]),
  function_call: unsupported("none", "auto"),
  response_format: unsupported({ type: "text" }),
  modalities: unsupported(["text"]),
  audio: unsupported(),
  prediction: unsupported(),
  reasoning_effort: unsupported("none"),
  verbosity: unsupported(),
  web_search_options: unsupported(),
  service_tier: unsupported("auto", "default"),
  store: unsupported(false),
  metadata: unsupported({}),
});

export type ChatRequest = z.infer<typeof schema>;

/** @throws {OmnispanError} invalid_argument */
export function readChatRequest(body: unknown): ChatRequest {
  const request = readBody(schema, body);
  if (typeof request.max_tokens === "number" && typeof request.max_completion_tokens === "number") {
    throw invalid("max_tokens", "must not be given beside max_completion_tokens");
  }
  return request;
}

export function toRawChat(body: ChatRequest, headers: OwnHeaders): RawRequest {
  const { max_completion_tokens: completion } = body;
  const shared = sharedRequest(body, headers);
  return {
    ...shared,
    prompt: "",
    messages: body.messages.map(toMessage),
    rawPrompt: false,
    ...(typeof completion === "number" &&
      { maxTokens: completion, names: { ...shared.names, max_tokens: "max_completion_tokens" } }),
  };
}

function toMessage({ role, content }: ChatRequest["messages"][number], index: number): ChatMessage {
  const field = `messages[${index}]`;
  if (role === "tool" || role === "function") {
    throw invalid(
      `${field}.role`,
      `must be one of ${Object.keys(ROLES).join(", ")}, got "${role}": no tools here`,
    );
  }
  if (content === null || content === undefined) {
    throw invalid(`${field}.content`, "must be a text, got nothing");
  }
  if (typeof content === "string") return { role: ROLES[role], content };
  const texts = content.map(({ type, text }, at) => {
    if (type !== "text") {
      const got = JSON.stringify(type.slice(0, 40));
      throw invalid(
        `${field}.content[${at}].type`,
        `must be "text", got ${got}: other content is not supported here`,
      );
    }
    if (text === undefined) throw invalid(`${field}.content[${at}].text`, "must be a text, got nothing");
    return text;
  });
  return { role: ROLES[role], content: texts.join("") };
}
