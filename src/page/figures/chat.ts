import { keyHeader, messageIn, refusalOf } from "./refusal.ts";
import { eventsOf } from "./sse.ts";

export interface ChatRequest {
  readonly model: string;
  readonly system: string;
  readonly user: string;
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number | undefined;
  /** Empty: the engine's own. */
  readonly mode: string;
}

/** What the engine says of a request beside the answer. */
export interface EngineNote {
  readonly mode: string;
  readonly ttft_ms: number;
  readonly tpot_ms: number;
  readonly e2e_ms: number;
  readonly queue_wait_ms: number;
  readonly timing: Readonly<Record<string, number>>;
  readonly dispatch?: {
    readonly id: number;
    readonly size: number;
    readonly reason: string;
    readonly attempts: number;
  };
}

/** An answer as far as it has come. Its times are the browser's, in ms since the request was sent. */
export interface ChatProgress {
  readonly text: string;
  readonly ttftMs: number | undefined;
  readonly lastMs: number | undefined;
  readonly outputTokens: number | undefined;
  readonly inputTokens: number | undefined;
  readonly finishReason: string | undefined;
  readonly engine: EngineNote | undefined;
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly omnispan?: EngineNote;
}

export const BEGUN: ChatProgress = {
  text: "",
  ttftMs: undefined,
  lastMs: undefined,
  outputTokens: undefined,
  inputTokens: undefined,
  finishReason: undefined,
  engine: undefined,
};

/** Asks and tells each step of the answer. @throws Refusal, what the stream says went wrong, or the signal's reason. */
export async function* ask(
  url: string,
  key: string,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatProgress> {
  const started = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...keyHeader(key),
      ...(request.mode === "" ? {} : { "omnispan-mode": request.mode }),
    },
    body: JSON.stringify(bodyOf(request)),
    signal,
  });
  if (!response.ok) throw await refusalOf(response);
  if (!response.body) throw new Error("the engine sent no answer");
  let progress = BEGUN;
  let done = false;
  for await (const { data } of eventsOf(response.body)) {
    if (data === "[DONE]") {
      done = true;
      continue; // what is read to its end is not broken off: the connection can be used again
    }
    const chunk: unknown = JSON.parse(data);
    const trouble = messageIn(chunk);
    if (trouble !== undefined) throw new Error(trouble);
    progress = after(progress, chunk as Chunk, performance.now() - started);
    yield progress;
  }
  if (!done) throw new Error("the connection broke before the answer's end");
}

export function bodyOf(
  { model, system, user, maxTokens, temperature, seed }: ChatRequest,
): Record<string, unknown> {
  const messages = [
    ...(system === "" ? [] : [{ role: "system", content: system }]),
    { role: "user", content: user },
  ];
  return {
    model,
    messages,
    max_tokens: maxTokens,
    temperature,
    ...(seed === undefined ? {} : { seed }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** The answer after one more chunk, which came at `atMs`. Chunks without text, as a first one with the role, count for no time. */
export function after(
  progress: ChatProgress,
  { choices, usage, omnispan }: Chunk,
  atMs: number,
): ChatProgress {
  const text = choices?.[0]?.delta?.content ?? "";
  return {
    text: progress.text + text,
    ttftMs: text === "" ? progress.ttftMs : progress.ttftMs ?? atMs,
    lastMs: text === "" ? progress.lastMs : atMs,
    outputTokens: usage?.completion_tokens ?? progress.outputTokens,
    inputTokens: usage?.prompt_tokens ?? progress.inputTokens,
    finishReason: choices?.[0]?.finish_reason ?? progress.finishReason,
    engine: omnispan ?? progress.engine,
  };
}

/** Tokens a second between the first and the last that came; null while it can't be told. */
export function tokenRate({ ttftMs, lastMs, outputTokens }: ChatProgress): number | null {
  if (ttftMs === undefined || lastMs === undefined || outputTokens === undefined) return null;
  return outputTokens > 1 && lastMs > ttftMs ? (outputTokens - 1) / (lastMs - ttftMs) * 1000 : null;
}
