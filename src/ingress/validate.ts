import type { Settings } from "../config/config.ts";
import { OmnispanError } from "../core/errors.ts";
import { type Mode, MODES } from "../core/modes/modes.ts";
import type { ChatMessage, GenerationOptions, Millis, Submission } from "../core/types.ts";
import { Buffer } from "node:buffer";

/** What a caller asked, as a transport decoded it. */
export interface RawRequest {
  readonly requestId: string;
  readonly tenantId: string;
  /** Or messages, or promptTokens. */
  readonly prompt: string;
  readonly promptTokens: readonly number[];
  readonly messages: readonly ChatMessage[];
  readonly rawPrompt: boolean;
  /** 0: the engine's default. */
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  /** 0: 1. */
  readonly repetitionPenalty: number;
  readonly seed?: number;
  readonly stop: readonly string[];
  readonly ignoreEos: boolean;
  /** Empty: none. */
  readonly modeHint: string;
  /** What the caller's protocol calls fields that it names otherwise than the contract. */
  readonly names?: FieldNames;
}

type RenamedField =
  | "max_tokens"
  | "mode_hint"
  | "prompt"
  | "prompt_tokens"
  | "raw_prompt"
  | "request_id"
  | "tenant_id";
export type FieldNames = Partial<Record<RenamedField, string>>;

export type RequestLimits = Pick<
  Settings,
  "DEFAULT_MAX_TOKENS" | "MAX_TOKENS_LIMIT" | "MAX_PROMPT_BYTES" | "MODE_HINTS"
>;

/** The longest request_id and tenant_id, in bytes of UTF-8. */
export const MAX_ID_BYTES = 256;
/** The most turns of a conversation. */
export const MAX_MESSAGES = 2048;
/** The most stop texts. */
export const MAX_STOPS = 16;
/** Of the frequency and the presence penalty, on both sides of 0. */
export const MAX_PENALTY = 2;
export const REPETITION_PENALTY = { least: 0.01, most: 100 } as const;
/** Of a prompt that is given as tokens. */
export const TOKEN_BYTES = 4;
const MAX_TEMPERATURE = 2;
/** Of a stop text, in bytes of UTF-8. */
const MAX_STOP_BYTES = 256;
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
  const { prompt, promptTokens, messages, rawPrompt, maxTokens, names = {} } = raw;
  checkLength(names.request_id ?? "request_id", raw.requestId, MAX_ID_BYTES);
  checkLength(names.tenant_id ?? "tenant_id", raw.tenantId, MAX_ID_BYTES);
  const promptBytes = checkPrompt(raw, limits);
  if (maxTokens > MAX_TOKENS_LIMIT) {
    throw invalid(
      names.max_tokens ?? "max_tokens",
      `must be at most ${MAX_TOKENS_LIMIT} (MAX_TOKENS_LIMIT), got ${maxTokens}`,
    );
  }
  const options = checkOptions(raw, maxTokens || DEFAULT_MAX_TOKENS);
  const mode = checkMode(raw.modeHint, names.mode_hint ?? "mode_hint", limits);
  return {
    requestId: raw.requestId,
    tenantId: raw.tenantId,
    prompt,
    ...(messages.length > 0 && { messages }),
    ...(promptTokens.length > 0 && { promptTokens }),
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

/** Bytes of the prompt, or of the messages or tokens that stand in its place. */
function checkPrompt(
  { prompt, promptTokens, messages, rawPrompt, names = {} }: RawRequest,
  { MAX_PROMPT_BYTES }: RequestLimits,
): number {
  const { prompt: promptName = "prompt", prompt_tokens: tokensName = "prompt_tokens" } = names;
  if (promptTokens.length > 0 && (prompt !== "" || messages.length > 0)) {
    throw invalid(tokensName, `must be empty beside prompt and messages, got ${promptTokens.length}`);
  }
  if (messages.length === 0 && prompt === "" && promptTokens.length === 0) {
    throw invalid(promptName, "must not be empty");
  }
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
  let bytes = Buffer.byteLength(prompt) + TOKEN_BYTES * promptTokens.length;
  for (const { role, content } of messages) bytes += role.length + Buffer.byteLength(content);
  if (bytes <= MAX_PROMPT_BYTES) return bytes;
  if (promptTokens.length > 0) throw tooManyTokens(tokensName, promptTokens.length, MAX_PROMPT_BYTES);
  const field = messages.length > 0 ? "messages" : promptName;
  throw invalid(field, `must be at most ${MAX_PROMPT_BYTES} bytes of UTF-8 (MAX_PROMPT_BYTES), got ${bytes}`);
}

export function tooManyTokens(field: string, tokens: number, maxPromptBytes: number): OmnispanError {
  const rule = `must be at most ${maxPromptBytes} bytes, ${TOKEN_BYTES} for each token (MAX_PROMPT_BYTES)`;
  return invalid(field, `${rule}, got ${tokens} tokens`);
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
function checkOptions(raw: RawRequest, maxTokens: number): GenerationOptions | undefined {
  const { temperature, topP, topK, seed, stop, ignoreEos, minTokens, frequencyPenalty, presencePenalty } =
    raw;
  checkRange("temperature", temperature, 0, MAX_TEMPERATURE);
  if (!(topP >= 0 && topP <= 1)) throw invalid("top_p", `must be a number above 0 to 1, got ${topP}`);
  checkRange("frequency_penalty", frequencyPenalty, -MAX_PENALTY, MAX_PENALTY);
  checkRange("presence_penalty", presencePenalty, -MAX_PENALTY, MAX_PENALTY);
  // 1 is as good as none.
  const repetitionPenalty = raw.repetitionPenalty === 1 ? 0 : raw.repetitionPenalty;
  const { least, most } = REPETITION_PENALTY;
  if (repetitionPenalty !== 0) checkRange("repetition_penalty", repetitionPenalty, least, most);
  if (minTokens > maxTokens) {
    throw invalid("min_tokens", `must be at most ${maxTokens}, which max_tokens is, got ${minTokens}`);
  }
  if (stop.length > MAX_STOPS) {
    throw invalid("stop", `must be at most ${MAX_STOPS} texts, got ${stop.length}`);
  }
  for (const [index, text] of stop.entries()) {
    if (text === "") throw invalid(`stop[${index}]`, "must not be empty");
    checkLength(`stop[${index}]`, text, MAX_STOP_BYTES);
  }
  const penalties = { frequencyPenalty, presencePenalty, repetitionPenalty };
  const given = temperature || topP || topK || seed !== undefined || stop.length > 0 || ignoreEos ||
    minTokens || Object.values(penalties).some(Boolean);
  if (!given) return undefined;
  const options = { temperature, topP, topK, stop, ignoreEos, minTokens, ...penalties };
  return { ...options, ...(seed !== undefined && { seed }) };
}

function checkRange(field: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw invalid(field, `must be a number from ${least} to ${most}, got ${value}`);
}

function checkLength(field: string, text: string, mostBytes: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostBytes) return;
  throw invalid(field, `must be at most ${mostBytes} bytes of UTF-8, got ${bytes}`);
}

function invalid(param: string, rule: string): OmnispanError {
  return new OmnispanError("invalid_argument", `${param} ${rule}`, { param });
}
