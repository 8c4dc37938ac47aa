import { type EngineClient, EngineError } from "./engine_client.ts";
import type { LiveHello, LiveTick } from "./feed.ts";
import { sseEvents } from "./sse.ts";

export type LiveEvent =
  | { readonly kind: "hello"; readonly hello: LiveHello }
  | { readonly kind: "tick"; readonly tick: LiveTick }
  /** There is no connection; it is tried again. */
  | { readonly kind: "lost"; readonly why: string };

export interface FollowOptions {
  /** Whether a failure can pass by itself; one that can't ends the following. */
  readonly mayPass: (error: EngineError, hasConnected: boolean) => boolean;
  /** A connection without an event for so long is dead: the engine sends one every second. @default 5000 */
  readonly silenceMs?: number;
  /** The pause before the first new try; it doubles up to five seconds. @default 500 */
  readonly firstPauseMs?: number;
}

const LONGEST_PAUSE_MS = 5000;

/**
 * Follows `GET /live`, and connects again whenever the engine went away.
 * @throws {EngineError} a failure that can't pass; what the signal was aborted with
 */
export async function* followLive(
  engine: EngineClient,
  signal: AbortSignal,
  { mayPass, silenceMs = 5000, firstPauseMs = 500 }: FollowOptions,
): AsyncGenerator<LiveEvent> {
  let hasConnected = false;
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      for await (const event of connection(engine, signal, silenceMs)) {
        hasConnected = true;
        pauseMs = firstPauseMs;
        yield event;
      }
      throw failure("unreachable", engine.url, "ended the connection");
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof EngineError) || !mayPass(thrown, hasConnected)) throw thrown;
      yield { kind: "lost", why: thrown.reason };
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function* connection(
  engine: EngineClient,
  signal: AbortSignal,
  silenceMs: number,
): AsyncGenerator<Exclude<LiveEvent, { kind: "lost" }>> {
  const { url } = engine;
  const silence = new AbortController();
  const stop = AbortSignal.any([signal, silence.signal]);
  const watch = () => setTimeout(() => silence.abort(), silenceMs);
  let timer = watch();
  try {
    const { body, headers } = await engine.send("/live", {
      headers: { accept: "text/event-stream" },
      signal: stop,
    });
    if (!body || !headers.get("content-type")?.startsWith("text/event-stream")) {
      await body?.cancel();
      throw noEngine(url, "its /live is no event stream");
    }
    for await (const { event, data } of sseEvents(body)) {
      clearTimeout(timer);
      timer = watch();
      if (event === "hello") yield { kind: "hello", hello: parsed(data, url) };
      else if (event === "tick") yield { kind: "tick", tick: parsed(data, url) };
    }
  } catch (thrown) {
    if (thrown instanceof EngineError || signal.aborted) throw thrown;
    const why = stop.aborted ? `said nothing for ${silenceMs / 1000} s` : "broke the connection";
    throw failure("unreachable", url, why, thrown);
  } finally {
    clearTimeout(timer);
  }
}

/** The engine is believed to keep to feed.ts. */
function parsed<T extends LiveHello | LiveTick>(data: string, url: string): T {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw noEngine(url, "its /live gives no JSON", cause);
  }
}

function failure(kind: EngineError["kind"], url: string, why: string, cause?: unknown): EngineError {
  return new EngineError(kind, `the engine at ${url} ${why}`, { reason: `it ${why}`, cause });
}

function noEngine(url: string, why: string, cause?: unknown): EngineError {
  return new EngineError("refused", `what answers at ${url} is no engine: ${why}`, { cause });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
}
