/** A client of the engine's chat completions and text completions, which reads the answer as it comes. */
import { type EngineClient, EngineError } from "./engine_client.ts";
import { oneLine } from "./format.ts";
import { sseEvents } from "./sse.ts";

export interface ChatRequest {
  readonly model: string;
  /** The system message, which goes before the prompt. */
  readonly system?: string | undefined;
  readonly prompt: string;
  /** The prompt goes to the model as it is, without a chat template. @default false */
  readonly isRaw?: boolean;
  /** Fields of the request, named as in OpenAI's API. */
  readonly sampling: Readonly<Record<string, number | readonly string[]>>;
  /** Undefined takes the engine's own mode. */
  readonly mode?: string | undefined;
  readonly tenant?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** The engine's own account of a request: the object `omnispan` of its answer (docs/http.md). */
export interface EngineAccount {
  readonly mode: string;
  readonly ttft_ms: number;
  readonly tpot_ms: number;
  readonly e2e_ms: number;
  readonly queue_wait_ms?: number | null;
  /** The phases of the request's time, in their order (docs/architecture.md). */
  readonly timing: Readonly<Record<string, number>>;
  readonly dispatch?: {
    readonly id: number;
    readonly size: number;
    readonly reason: string;
    readonly attempts?: number;
  } | null;
}

/** An answer as far as it has come. Its times are the client's own, in ms since the request was sent. */
export interface Completion {
  readonly text: string;
  /** When the first and the last text came; undefined when there was none. */
  readonly ttftMs: number | undefined;
  readonly lastTextMs: number | undefined;
  /** When the newest chunk came. */
  readonly e2eMs: number;
  readonly usage: Usage | undefined;
  readonly finishReason: string | undefined;
  readonly engine: EngineAccount | undefined;
}

/** An event of a streamed chat completion or text completion. */
interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly text?: string;
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: Usage | null;
  readonly omnispan?: EngineAccount | null;
  readonly error?: { readonly message?: unknown } | null;
}

export const EMPTY: Completion = {
  text: "",
  ttftMs: undefined,
  lastTextMs: undefined,
  e2eMs: 0,
  usage: undefined,
  finishReason: undefined,
  engine: undefined,
};

/** Text that comes in less time has come in one piece. */
const LEAST_DECODE_MS = 1;

/**
 * Asks, and gives the answer after each of its chunks; the last one is complete.
 * @throws {EngineError} when the engine refuses, fails in the middle, or is none; what the signal was aborted with
 */
export async function* complete(
  engine: EngineClient,
  request: ChatRequest,
  signal: AbortSignal,
): AsyncGenerator<Completion> {
  const { mode, tenant, timeoutMs } = request;
  const sentAt = performance.now();
  const { body } = await engine.send(request.isRaw ? "/v1/completions" : "/v1/chat/completions", {
    body: bodyOf(request),
    headers: {
      ...(mode && { "omnispan-mode": mode }),
      ...(tenant !== undefined && { "omnispan-tenant": tenant }),
      ...(timeoutMs !== undefined && { "omnispan-timeout-ms": String(timeoutMs) }),
    },
    signal,
  });
  if (!body) throw new EngineError("refused", "the engine answered without a body");
  let completion = EMPTY;
  let isComplete = false;
  try {
    for await (const { data } of sseEvents(body)) {
      if (data === "[DONE]") {
        isComplete = true;
        continue; // a body that is read to its end leaves the connection to the next request
      }
      completion = withChunk(completion, chunkOf(data), performance.now() - sentAt);
      yield completion;
    }
  } catch (thrown) {
    if (thrown instanceof EngineError || signal.aborted) throw thrown;
    throw endedEarly("broke", thrown);
  }
  if (!isComplete) throw endedEarly("ended");
}

function endedEarly(how: "ended" | "broke", cause?: unknown): EngineError {
  const message = `the engine ${how} the connection before the answer was complete`;
  return new EngineError("refused", message, { cause });
}

function bodyOf({ model, system, prompt, isRaw, sampling }: ChatRequest): Record<string, unknown> {
  const messages = [
    ...(system ? [{ role: "system", content: system }] : []),
    { role: "user", content: prompt },
  ];
  return {
    model,
    ...(isRaw ? { prompt } : { messages }),
    ...sampling,
    stream: true,
    stream_options: { include_usage: true },
  };
}

function chunkOf(data: string): Chunk {
  let chunk: Chunk | null;
  try {
    chunk = JSON.parse(data);
    if (typeof chunk !== "object" || chunk === null) throw new TypeError("it is no object");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the engine sent what is no chunk of a completion: ${oneLine(why)}`;
    throw new EngineError("refused", message, { cause });
  }
  if (chunk.error) {
    throw new EngineError("refused", `the engine failed: ${oneLine(String(chunk.error.message))}`);
  }
  return chunk;
}

/** The answer after a chunk that came at `atMs`. Chunks without text, as a first one with the role, count for no time. */
function withChunk(before: Completion, { choices, usage, omnispan }: Chunk, atMs: number): Completion {
  const choice = choices?.[0];
  const piece = choice?.delta?.content ?? choice?.text ?? "";
  return {
    text: before.text + piece,
    ttftMs: piece === "" ? before.ttftMs : before.ttftMs ?? atMs,
    lastTextMs: piece === "" ? before.lastTextMs : atMs,
    e2eMs: atMs,
    usage: usage ?? before.usage,
    finishReason: choice?.finish_reason ?? before.finishReason,
    engine: omnispan ?? before.engine,
  };
}

/** Tokens after the first over the time from the first text to the last; null where all came at once. */
export function tokensPerSecond({ ttftMs = 0, lastTextMs = 0, usage }: Completion): number | null {
  const [tokens, decodeMs] = [usage?.completion_tokens ?? 0, lastTextMs - ttftMs];
  return tokens > 1 && decodeMs >= LEAST_DECODE_MS ? (tokens - 1) / decodeMs * 1000 : null;
}

/** The phases of a request's time in their order, each with its share of the whole; none where there was no time. */
export function phasesOf({ timing }: EngineAccount): { name: string; ms: number; share: number }[] {
  const phases = Object.entries(timing).map(([key, ms]) => ({
    name: key.replace(/_ms$/, ""),
    ms: Math.max(0, ms),
  }));
  const whole = phases.reduce((sum, { ms }) => sum + ms, 0);
  return whole > 0 ? phases.map((phase) => ({ ...phase, share: phase.ms / whole })) : [];
}

/** The ids of the models that the engine lists. @throws {EngineError} also when what answers lists none at all */
export async function listModels(engine: EngineClient, signal?: AbortSignal): Promise<string[]> {
  const response = await engine.send("/v1/models", { signal });
  try {
    const { data }: { data: readonly { id: unknown }[] } = await response.json();
    const ids = data.map(({ id }) => id);
    if (ids.every((id) => typeof id === "string")) return ids;
    throw new TypeError("an id is no text");
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const message = `what answers at ${engine.url} is no engine: its /v1/models lists no models`;
    throw new EngineError("refused", message, { cause });
  }
}
