import type { Buffer } from "node:buffer";
import type { Settings } from "../../config/config.ts";
import { OmnispanError } from "../../core/errors.ts";
import { omnispan } from "../../grpc/contract.ts";
import type { GenerateRequest__Output } from "../../grpc/generated/omnispan/GenerateRequest.ts";
import { Survey } from "../../grpc/reading.ts";
import { TOKEN_BYTES, tooManyTokens } from "../validate.ts";

/** Most fields of a request with those of its messages, its tokens not counted. The largest that is right has about 6,200. */
const MAX_FIELDS = 8192;

/** A request as it came, or why it is none. */
export type Received = GenerateRequest__Output & { readonly refusal?: OmnispanError };

type Service = typeof omnispan.Engine.service;

/**
 * The engine's service, where a request is looked at before it is decoded: a few megabytes of very many small parts would
 * keep the decoder, and with it both doors, busy for seconds, and of text that is no UTF-8 it would say nothing.
 */
export function checkedService({ MAX_PROMPT_BYTES }: Pick<Settings, "MAX_PROMPT_BYTES">): Service {
  const checked = <Method extends Service["SubmitGenerate"] | Service["SubmitGenerateStream"]>(
    method: Method,
  ) => ({
    ...method,
    requestDeserialize(bytes: Buffer): Received {
      const refusal = problemOf(bytes, MAX_PROMPT_BYTES);
      if (!refusal) return method.requestDeserialize(bytes);
      return { ...method.requestDeserialize(bytes.subarray(0, 0)), refusal };
    },
  });
  const { SubmitGenerate, SubmitGenerateStream } = omnispan.Engine.service;
  return {
    ...omnispan.Engine.service,
    SubmitGenerate: checked(SubmitGenerate),
    SubmitGenerateStream: checked(SubmitGenerateStream),
  };
}

/** Why a request is not worth decoding, or would be decoded into what it is not. */
function problemOf(bytes: Uint8Array, maxPromptBytes: number): OmnispanError | undefined {
  const { fault, fields, numbers } = new Survey("omnispan.GenerateRequest", bytes, MAX_FIELDS);
  if (fault) {
    return new OmnispanError("invalid_argument", `${fault.field} ${fault.rule}`, { param: fault.field });
  }
  if (numbers * TOKEN_BYTES > maxPromptBytes) return tooManyTokens("prompt_tokens", numbers, maxPromptBytes);
  if (fields <= MAX_FIELDS) return undefined;
  return new OmnispanError(
    "invalid_argument",
    `the request must have at most ${MAX_FIELDS} fields, got more`,
  );
}
