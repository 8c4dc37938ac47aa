import type { Settings } from "../config.ts";
import { OmnispanError } from "../errors.ts";
import {
  type ChatMessage,
  type GenerationOptions,
  type Millis,
  type Mode,
  MODES,
  type Submission,
} from "../types.ts";
import { Buffer } from "node:buffer";

/** A request as a door decoded it. */
export interface RawRequest {
  readonly requestId: string;
  readonly tenantId: string;
  /** Or messages. */
  readonly prompt: string;
  readonly messages: readonly ChatMessage[];
  readonly rawPrompt: boolean;
  /** 0: the engine's default. */
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed?: number;
  readonly stop: readonly string[];
  readonly ignoreEos: boolean;
  /** Empty: none. */
  readonly modeHint: string;
  /** The field whose bytes were no UTF-8, where there was one; its text is not what was sent. */
  readonly withoutUtf8?: string;
  /** What the caller's protocol calls fields that it names otherwise than the contract. */
  readonly names?: FieldNames;
}

export type FieldNames = Partial<Record<"max_tokens" | "mode_hint" | "request_id" | "tenant_id", string>>;

export type RequestLimits = Pick<
  Settings,
  "DEFAULT_MAX_TOKENS" | "MAX_TOKENS_LIMIT" | "MAX_PROMPT_BYTES" | "MODE_HINTS"
>;

/** The longest request_id and tenant_id, in characters. */
export const MAX_ID_LENGTH = 256;
/** The most turns of a conversation. */
export const MAX_MESSAGES = 2048;
/** The most stop texts. */
export const MAX_STOPS = 16;
const MAX_TEMPERATURE = 2;
const MAX_STOP_LENGTH = 256;
const ROLES = ["system", "user", "assistant"];

/** What the transport knows of a request. */
export interface Reception {
  readonly receivedAt: Millis;
  readonly deadline: Millis | undefined;
  /** The caller wants the tokens as they are made. */
  readonly stream: boolean;
}

/**
 * Checks a request once, at the edge.
 * @throws {OmnispanError} invalid_argument, naming the field, the rule and the value (of a prompt only its size).
 */
export function validate(
  raw: RawRequest,
  limits: RequestLimits,
  { receivedAt, deadline, stream }: Reception,
): Submission {
  const { DEFAULT_MAX_TOKENS, MAX_TOKENS_LIMIT } = limits;
  const { prompt, messages, rawPrompt, maxTokens, withoutUtf8, names = {} } = raw;
  if (withoutUtf8 !== undefined) throw invalid(withoutUtf8, "must be UTF-8, got bytes that are not");
  checkId(names.request_id ?? "request_id", raw.requestId);
  checkId(names.tenant_id ?? "tenant_id", raw.tenantId);
  const promptBytes = checkPrompt(raw, limits);
  if (maxTokens > MAX_TOKENS_LIMIT) {
    throw invalid(
      names.max_tokens ?? "max_tokens",
      `must be at most ${MAX_TOKENS_LIMIT} (MAX_TOKENS_LIMIT), got ${maxTokens}`,
    );
  }
  const options = checkOptions(raw);
  const mode = checkMode(raw.modeHint, names.mode_hint ?? "mode_hint", limits);
  return {
    requestId: raw.requestId,
    tenantId: raw.tenantId,
    prompt,
    ...(messages.length > 0 && { messages }),
    ...(rawPrompt && { rawPrompt }),
    promptBytes,
    maxTokens: maxTokens || DEFAULT_MAX_TOKENS,
    ...(mode && { mode }),
    stream,
    receivedAt,
    ...(options && { options }),
    ...(deadline !== undefined && { deadline }),
  };
}

/** Bytes of the prompt, or of the messages that stand in its place. */
function checkPrompt(
  { prompt, messages, rawPrompt }: RawRequest,
  { MAX_PROMPT_BYTES }: RequestLimits,
): number {
  if (messages.length === 0 && prompt === "") throw invalid("prompt", "must not be empty");
  if (messages.length > 0 && prompt !== "") {
    throw invalid("prompt", `must be empty beside messages, got ${messages.length} of these`);
  }
  if (messages.length > 0 && rawPrompt) {
    throw invalid("raw_prompt", "must be false beside messages, got true");
  }
  if (messages.length > MAX_MESSAGES) {
    throw invalid("messages", `must be at most ${MAX_MESSAGES}, got ${messages.length}`);
  }
  const wrong = messages.findIndex(({ role }) => !ROLES.includes(role));
  if (wrong >= 0) {
    // What stands there may be a text that was meant for the content.
    const got = `a text of ${messages[wrong]!.role.length} characters`;
    throw invalid(`messages[${wrong}].role`, `must be one of ${ROLES.join(", ")}, got ${got}`);
  }
  if (messages.at(-1)?.content === "") {
    throw invalid(`messages[${messages.length - 1}].content`, "must not be empty in the last message");
  }
  let bytes = Buffer.byteLength(prompt);
  for (const { role, content } of messages) bytes += role.length + Buffer.byteLength(content);
  if (bytes <= MAX_PROMPT_BYTES) return bytes;
  const field = messages.length > 0 ? "messages" : "prompt";
  throw invalid(field, `must be at most ${MAX_PROMPT_BYTES} bytes of UTF-8 (MAX_PROMPT_BYTES), got ${bytes}`);
}

function checkMode(hint: string, field: string, { MODE_HINTS }: RequestLimits): Mode | undefined {
  if (hint === "") return undefined;
  const mode = MODES.find((mode) => mode === hint);
  if (!mode) {
    throw invalid(field, `must be one of ${MODES.join(", ")}, got ${JSON.stringify(hint.slice(0, 40))}`);
  }
  if (!MODE_HINTS) throw invalid(field, `must not be given: MODE_HINTS is false here, got "${mode}"`);
  return mode;
}

/** Undefined when none is given. */
function checkOptions(
  { temperature, topP, topK, seed, stop, ignoreEos }: RawRequest,
): GenerationOptions | undefined {
  if (!(temperature >= 0 && temperature <= MAX_TEMPERATURE)) {
    throw invalid("temperature", `must be a number from 0 to ${MAX_TEMPERATURE}, got ${temperature}`);
  }
  if (!(topP >= 0 && topP <= 1)) throw invalid("top_p", `must be a number above 0 to 1, got ${topP}`);
  if (stop.length > MAX_STOPS) {
    throw invalid("stop", `must be at most ${MAX_STOPS} texts, got ${stop.length}`);
  }
  for (const [index, text] of stop.entries()) {
    if (text === "") throw invalid(`stop[${index}]`, "must not be empty");
    if (text.length <= MAX_STOP_LENGTH) continue;
    throw invalid(`stop[${index}]`, `must be at most ${MAX_STOP_LENGTH} characters, got ${text.length}`);
  }
  const given = temperature || topP || topK || seed !== undefined || stop.length > 0 || ignoreEos;
  if (!given) return undefined;
  return { temperature, topP, topK, stop, ignoreEos, ...(seed !== undefined && { seed }) };
}

function checkId(field: string, id: string): void {
  if (id.length <= MAX_ID_LENGTH) return;
  throw invalid(field, `must be at most ${MAX_ID_LENGTH} characters, got ${id.length}`);
}

function invalid(param: string, rule: string): OmnispanError {
  return new OmnispanError("invalid_argument", `${param} ${rule}`, { param });
}
