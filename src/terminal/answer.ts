import { z } from "zod";
import { messageOf } from "../core/errors.ts";
import type { Millis } from "../core/types.ts";
import { ClientError } from "./client_error.ts";
import { sseEvents } from "./sse.ts";
import { oneLine } from "./words.ts";

const USAGE = z.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number() });

/** The engine's own account of the request. */
const ACCOUNT = z.looseObject({
  mode: z.string(),
  queue_wait_ms: z.number().nullish(),
  dispatch: z.looseObject({ size: z.number(), reason: z.string(), attempts: z.number().nullish() }).nullish(),
});

/** Of a chat completion or of a text completion. */
const CHUNK = z.object({
  choices: z.array(z.object({
    delta: z.object({ content: z.string().nullish() }).nullish(),
    text: z.string().nullish(),
    finish_reason: z.string().nullish(),
  })).optional(),
  usage: USAGE.nullish(),
  omnispan: ACCOUNT.nullish(),
  error: z.object({ message: z.string() }).nullish(),
});

export type Usage = z.infer<typeof USAGE>;
export type EngineAccount = z.infer<typeof ACCOUNT>;

export interface Answer {
  readonly text: string;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly omnispan: EngineAccount | null;
  /** From sending to the first text; null when there was none. Times are the client's own. */
  readonly ttftMs: Millis | null;
  /** Output tokens after the first, over the time from the first text to the last; null when all came at once. */
  readonly tokensPerSecond: number | null;
  readonly e2eMs: Millis;
}

/**
 * Reads a streamed completion; `onText` hears its text as it comes.
 * @throws {ClientError} when the engine fails in the middle, or is none
 */
export async function readAnswer(
  body: AsyncIterable<Uint8Array>,
  sentAt: number,
  onText: (text: string) => void,
): Promise<Answer> {
  let text = "";
  let finishReason: string | null = null;
  let usage: Usage | null = null;
  let omnispan: EngineAccount | null = null;
  let firstAt: number | undefined;
  let lastAt = sentAt;
  let complete = false;
  for await (const { data } of sseEvents(body)) {
    complete = data === "[DONE]";
    if (complete) break;
    const chunk = chunkOf(data);
    const choice = chunk.choices?.[0];
    const piece = choice?.delta?.content ?? choice?.text ?? "";
    if (piece !== "") {
      lastAt = performance.now();
      firstAt ??= lastAt;
      text += piece;
      onText(piece);
    }
    finishReason = choice?.finish_reason ?? finishReason;
    usage = chunk.usage ?? usage;
    omnispan = chunk.omnispan ?? omnispan;
  }
  if (!complete) {
    throw new ClientError("refused", "the engine ended the connection before the answer was complete");
  }
  const tokens = usage?.completion_tokens ?? 0;
  const decodeMs = lastAt - (firstAt ?? lastAt);
  return {
    text,
    finishReason,
    usage,
    omnispan,
    ttftMs: firstAt === undefined ? null : firstAt - sentAt,
    tokensPerSecond: tokens > 1 && decodeMs >= LEAST_DECODE_MS ? (tokens - 1) / decodeMs * 1000 : null,
    e2eMs: performance.now() - sentAt,
  };
}

/** Text that comes in less has come in one piece. */
const LEAST_DECODE_MS = 1;

function chunkOf(data: string): z.infer<typeof CHUNK> {
  let chunk: z.infer<typeof CHUNK>;
  try {
    chunk = CHUNK.parse(JSON.parse(data));
  } catch (thrown) {
    const what = thrown instanceof z.ZodError ? z.prettifyError(thrown) : messageOf(thrown);
    throw new ClientError("refused", `the engine sent what is no chunk of a completion: ${oneLine(what)}`);
  }
  if (chunk.error) throw new ClientError("refused", `the engine failed: ${oneLine(chunk.error.message)}`);
  return chunk;
}
