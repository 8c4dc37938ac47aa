import type { Buffer } from "node:buffer";
import type { Settings } from "../../config.ts";
import { OmnispanError } from "../../errors.ts";
import { omnispan } from "../../grpc/contract.ts";
import type { GenerateRequest__Output } from "../../grpc/generated/omnispan/GenerateRequest.ts";
import { TOKEN_BYTES, tooManyTokens } from "../validate.ts";

/** Most fields of a request with those of its messages, its tokens not counted. The largest that is right has about 6,200. */
const MAX_FIELDS = 8192;
/** Numbers of GenerateRequest's fields. */
const MESSAGES = 26;
const PROMPT_TOKENS = 33;

/** A request as it came, or why it was not decoded. */
export type Received = GenerateRequest__Output & { readonly refusal?: OmnispanError };

type Service = typeof omnispan.Engine.service;

/**
 * The engine's service, where a request of very many small parts is not decoded: a few megabytes of them would keep the
 * decoder, and with it both doors, busy for seconds.
 */
export function boundedService({ MAX_PROMPT_BYTES }: Pick<Settings, "MAX_PROMPT_BYTES">): Service {
  const bounded = <Method extends Service["SubmitGenerate"] | Service["SubmitGenerateStream"]>(
    method: Method,
  ) => ({
    ...method,
    requestDeserialize(bytes: Buffer): Received {
      const refusal = refusalOf(bytes, MAX_PROMPT_BYTES);
      return refusal
        ? { ...method.requestDeserialize(bytes.subarray(0, 0)), refusal }
        : method.requestDeserialize(bytes);
    },
  });
  const { SubmitGenerate, SubmitGenerateStream } = omnispan.Engine.service;
  return {
    ...omnispan.Engine.service,
    SubmitGenerate: bounded(SubmitGenerate),
    SubmitGenerateStream: bounded(SubmitGenerateStream),
  };
}

function refusalOf(bytes: Uint8Array, maxPromptBytes: number): OmnispanError | undefined {
  const { fields, tokens } = partsOf(bytes);
  if (tokens * TOKEN_BYTES > maxPromptBytes) return tooManyTokens("prompt_tokens", tokens, maxPromptBytes);
  if (fields <= MAX_FIELDS) return undefined;
  return new OmnispanError(
    "invalid_argument",
    `the request must have at most ${MAX_FIELDS} fields, got ${fields}`,
  );
}

/** What a GenerateRequest consists of. Of bytes that are none it counts what it can; the decoder will say so. */
export function partsOf(bytes: Uint8Array): { readonly fields: number; readonly tokens: number } {
  let fields = 0;
  let tokens = 0;
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let weight = 1; at < bytes.length; weight *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const type = tag % 8;
    if (field !== PROMPT_TOKENS) fields++;
    else if (type !== 2) tokens++;
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      // The fields of a message follow as if they were the request's own.
      if (field === MESSAGES) continue;
      const end = Math.min(at + length, bytes.length);
      if (field === PROMPT_TOKENS) { for (; at < end; at++) if (bytes[at]! < 0x80) tokens++; }
      at = end;
    }
  }
  return { fields, tokens };
}
