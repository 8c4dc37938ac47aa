import { z } from "zod";
import type { ChatMessage } from "../../../types.ts";
import { MAX_MESSAGES, type RawRequest } from "../../validate.ts";
import {
  invalid,
  isObject,
  type OwnHeaders,
  readBody,
  requireNothing,
  sharedFields,
  sharedRequest,
  sharedUnsupported,
  shown,
  type Unsupported,
} from "./schema.ts";

const schema = z.object({
  ...sharedFields,
  max_completion_tokens: z.int().min(1).max(2 ** 32 - 1).optional(),
});

const UNSUPPORTED: Unsupported = new Map<string, readonly unknown[]>([
  ...sharedUnsupported,
  ["audio", []],
  ["function_call", ["none", "auto"]],
  ["functions", [[]]],
  ["logprobs", [false]],
  ["metadata", [{}]],
  ["modalities", [["text"]]],
  ["moderation", []],
  ["parallel_tool_calls", [true, false]],
  ["prediction", []],
  ["prompt_cache_key", []],
  ["prompt_cache_options", []],
  ["prompt_cache_retention", []],
  ["reasoning_effort", ["none"]],
  ["response_format", [{ type: "text" }]],
  ["service_tier", ["auto", "default"]],
  ["store", [false]],
  ["tool_choice", ["none", "auto"]],
  ["tools", [[]]],
  ["top_logprobs", [0]],
  ["verbosity", []],
  ["web_search_options", []],
]);

/** Roles as OpenAI has them, and what chat templates know them as. */
const ROLES = new Map(
  Object.entries({ system: "system", developer: "system", user: "user", assistant: "assistant" }),
);
const TOOL_ROLES: readonly unknown[] = ["tool", "function"];

/** What a message may have beside role and content: an answer of ours is sent back with what clients put to it. */
const MESSAGE_UNSUPPORTED: Unsupported = new Map<string, readonly unknown[]>([
  ["annotations", [[]]],
  ["audio", []],
  ["function_call", []],
  ["name", []],
  ["refusal", []],
  ["tool_call_id", []],
  ["tool_calls", [[]]],
]);

/** Parts of contents that OpenAI has and we don't. */
const OTHER_PARTS: readonly unknown[] = ["image_url", "input_audio", "file", "refusal"];
const MAX_PARTS = 1024;

export type ChatRequest = z.infer<typeof schema> & { readonly messages: unknown };

/** @throws {OmnispanError} invalid_argument */
export function readChatRequest(body: unknown): ChatRequest {
  const request = readBody(schema, "messages", UNSUPPORTED, body);
  if (request.max_tokens !== undefined && request.max_completion_tokens !== undefined) {
    throw invalid("max_tokens", "must not be given beside max_completion_tokens");
  }
  return request;
}

/** @throws {OmnispanError} invalid_argument */
export function toRawChat(body: ChatRequest, headers: OwnHeaders): RawRequest {
  const { max_completion_tokens: completion } = body;
  const shared = sharedRequest(body, headers);
  return {
    ...shared,
    prompt: "",
    messages: listOf(body.messages, "messages", MAX_MESSAGES).map(toMessage),
    rawPrompt: false,
    ...(completion !== undefined &&
      { maxTokens: completion, names: { ...shared.names, max_tokens: "max_completion_tokens" } }),
  };
}

function toMessage(message: unknown, index: number): ChatMessage {
  const field = `messages[${index}]`;
  if (!isObject(message)) throw invalid(field, `must be an object, got ${shown(field, message)}`);
  const { role, content, ...others } = message;
  for (const [name, value] of Object.entries(others)) {
    requireNothing(`${field}.${name}`, value, MESSAGE_UNSUPPORTED.get(name));
  }
  const known = typeof role === "string" ? ROLES.get(role) : undefined;
  if (known === undefined) {
    const got = TOOL_ROLES.includes(role) ? `"${role}": there are no tools here` : shown(field, role);
    throw invalid(`${field}.role`, `must be one of ${[...ROLES.keys()].join(", ")}, got ${got}`);
  }
  return { role: known, content: textOf(content, `${field}.content`) };
}

/** A content, or the texts of its parts as one. */
function textOf(content: unknown, field: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) {
    throw invalid(field, `must be a text or an array of parts, got ${shown(field, content)}`);
  }
  return listOf(content, field, MAX_PARTS).map((part, at) => partText(part, `${field}[${at}]`)).join("");
}

function partText(part: unknown, field: string): string {
  if (!isObject(part)) throw invalid(field, `must be an object, got ${shown(field, part)}`);
  const { type, text } = part;
  if (type !== "text") {
    const got = OTHER_PARTS.includes(type)
      ? `"${type}": other content is not supported here`
      : shown(field, type);
    throw invalid(`${field}.type`, `must be "text", got ${got}`);
  }
  if (typeof text === "string") return text;
  throw invalid(`${field}.text`, `must be a text, got ${shown(field, text)}`);
}

/** Looked at before its items are, for a caller can put very many into a small body. */
function listOf(value: unknown, field: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(field, `must be an array, got ${shown(field, value)}`);
  if (value.length >= 1 && value.length <= most) return value;
  throw invalid(field, `must be 1 to ${most}, got ${value.length}`);
}
