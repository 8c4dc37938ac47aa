import type { Settings } from "../config.ts";
import { OmnispanError } from "../errors.ts";
import type { GenerationOptions, Millis, Submission } from "../types.ts";
import { Buffer } from "node:buffer";

/** A request as a door decoded it. */
export interface RawRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly prompt: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed?: number;
  readonly stop: readonly string[];
  readonly ignoreEos: boolean;
}

export type RequestLimits = Pick<Settings, "DEFAULT_MAX_TOKENS" | "MAX_TOKENS_LIMIT" | "MAX_PROMPT_BYTES">;

/** The longest request_id and tenant_id, in characters. */
export const MAX_ID_LENGTH = 256;
const MAX_TEMPERATURE = 2;
const MAX_STOPS = 16;
const MAX_STOP_LENGTH = 256;

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
  const { DEFAULT_MAX_TOKENS, MAX_TOKENS_LIMIT, MAX_PROMPT_BYTES } = limits;
  checkId("request_id", raw.requestId);
  checkId("tenant_id", raw.tenantId);
  if (raw.prompt === "") throw invalid("prompt must not be empty");
  const promptBytes = Buffer.byteLength(raw.prompt);
  if (promptBytes > MAX_PROMPT_BYTES) {
    throw invalid(
      `prompt must be at most ${MAX_PROMPT_BYTES} bytes of UTF-8 (MAX_PROMPT_BYTES), got ${promptBytes}`,
    );
  }
  if (raw.maxTokens > MAX_TOKENS_LIMIT) {
    throw invalid(`max_tokens must be at most ${MAX_TOKENS_LIMIT} (MAX_TOKENS_LIMIT), got ${raw.maxTokens}`);
  }
  const options = checkOptions(raw);
  return {
    requestId: raw.requestId,
    tenantId: raw.tenantId,
    prompt: raw.prompt,
    promptBytes,
    maxTokens: raw.maxTokens || DEFAULT_MAX_TOKENS,
    stream,
    receivedAt,
    ...(options && { options }),
    ...(deadline !== undefined && { deadline }),
  };
}

/** Undefined when none is given. */
function checkOptions(
  { temperature, topP, topK, seed, stop, ignoreEos }: RawRequest,
): GenerationOptions | undefined {
  if (!(temperature >= 0 && temperature <= MAX_TEMPERATURE)) {
    throw invalid(`temperature must be a number from 0 to ${MAX_TEMPERATURE}, got ${temperature}`);
  }
  if (!(topP >= 0 && topP <= 1)) throw invalid(`top_p must be a number above 0 to 1, got ${topP}`);
  if (stop.length > MAX_STOPS) throw invalid(`stop must be at most ${MAX_STOPS} texts, got ${stop.length}`);
  for (const [index, text] of stop.entries()) {
    if (text === "") throw invalid(`stop[${index}] must not be empty`);
    if (text.length <= MAX_STOP_LENGTH) continue;
    throw invalid(`stop[${index}] must be at most ${MAX_STOP_LENGTH} characters, got ${text.length}`);
  }
  const given = temperature || topP || topK || seed !== undefined || stop.length > 0 || ignoreEos;
  if (!given) return undefined;
  return { temperature, topP, topK, stop, ignoreEos, ...(seed !== undefined && { seed }) };
}

function checkId(field: string, id: string): void {
  if (id.length <= MAX_ID_LENGTH) return;
  throw invalid(`${field} must be at most ${MAX_ID_LENGTH} characters, got ${id.length}`);
}

function invalid(message: string): OmnispanError {
  return new OmnispanError("invalid_argument", message);
}
