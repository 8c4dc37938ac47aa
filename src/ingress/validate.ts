import type { Settings } from "../config.ts";
import { OmnispanError } from "../errors.ts";
import type { Millis, Submission } from "../types.ts";

/** A request as a door decoded it. */
export interface RawRequest {
  readonly requestId: string;
  readonly tenantId: string;
  readonly prompt: string;
  readonly maxTokens: number;
}

export type RequestLimits = Pick<Settings, "DEFAULT_MAX_TOKENS" | "MAX_TOKENS_LIMIT" | "MAX_PROMPT_BYTES">;

/** The longest request_id and tenant_id, in characters. */
export const MAX_ID_LENGTH = 256;

/**
 * Checks a request once, at the edge.
 * @throws {OmnispanError} invalid_argument, naming the field, the rule and the value (of a prompt only its size).
 */
export function validate(
  raw: RawRequest,
  limits: RequestLimits,
  receivedAt: Millis,
  deadline: Millis | undefined,
): Submission {
  const { DEFAULT_MAX_TOKENS, MAX_TOKENS_LIMIT, MAX_PROMPT_BYTES } = limits;
  checkId("request_id", raw.requestId);
  checkId("tenant_id", raw.tenantId);
  if (raw.prompt === "") throw invalid("prompt must not be empty");
  const bytes = utf8Bytes(raw.prompt, MAX_PROMPT_BYTES);
  if (bytes > MAX_PROMPT_BYTES) {
    throw invalid(
      `prompt must be at most ${MAX_PROMPT_BYTES} bytes of UTF-8 (MAX_PROMPT_BYTES), got ${bytes}`,
    );
  }
  if (raw.maxTokens > MAX_TOKENS_LIMIT) {
    throw invalid(`max_tokens must be at most ${MAX_TOKENS_LIMIT} (MAX_TOKENS_LIMIT), got ${raw.maxTokens}`);
  }
  return {
    requestId: raw.requestId,
    tenantId: raw.tenantId,
    prompt: raw.prompt,
    maxTokens: raw.maxTokens || DEFAULT_MAX_TOKENS,
    receivedAt,
    ...(deadline !== undefined && { deadline }),
  };
}

function checkId(field: string, id: string): void {
  if (id.length <= MAX_ID_LENGTH) return;
  throw invalid(`${field} must be at most ${MAX_ID_LENGTH} characters, got ${id.length}`);
}

/** Encodes only where the length in characters leaves the answer open. */
function utf8Bytes(text: string, limit: number): number {
  return text.length * 3 <= limit ? text.length : new TextEncoder().encode(text).length;
}

function invalid(message: string): OmnispanError {
  return new OmnispanError("invalid_argument", message);
}
