import { setTimeout as delay } from "node:timers/promises";
import type { LiveHello, LiveTick } from "../observe/live/live_types.ts";
import { ClientError } from "./client_error.ts";
import { bytesOf } from "../runtime_patches/response_body.ts";
import type { EngineHttp } from "./engine_http.ts";
import { sseEvents } from "./sse.ts";

export type LiveEvent =
  | { readonly kind: "hello"; readonly hello: LiveHello }
  | { readonly kind: "tick"; readonly tick: LiveTick }
  /** There is no connection; it is tried again. */
  | { readonly kind: "lost"; readonly why: string };

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
/** The engine says something every second. */
const SILENCE_MS = 5000;

/**
 * Follows `GET /live`, and connects again whenever the engine went away.
 * @throws {ClientError} when the first connection fails, or the engine does not let this client see it
 */
export async function* followLive(
  engine: EngineHttp,
  signal: AbortSignal,
  { silenceMs = SILENCE_MS, firstPauseMs = FIRST_PAUSE_MS } = {},
): AsyncGenerator<LiveEvent> {
  let connected = false;
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      for await (const event of connection(engine, signal, silenceMs)) {
        connected = true;
        pauseMs = firstPauseMs;
        yield event;
      }
      throw new ClientError("unreachable", `the engine at ${engine.target.url} ended the connection`, {
        reason: "it ended the connection",
      });
    } catch (thrown) {
      if (signal.aborted || !connected || !(thrown instanceof ClientError) || !mayPass(thrown)) throw thrown;
      yield { kind: "lost", why: thrown.reason };
    }
    await delay(pauseMs, undefined, { signal });
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function mayPass({ kind, status = 0 }: ClientError): boolean {
  return kind === "unreachable" || status === 429 || status >= 500;
}

async function* connection(
  engine: EngineHttp,
  signal: AbortSignal,
  silenceMs: number,
): AsyncGenerator<Exclude<LiveEvent, { kind: "lost" }>> {
  const { url } = engine.target;
  const silence = new AbortController();
  const stop = AbortSignal.any([signal, silence.signal]);
  const timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const { body, headers } = await engine.send("/live", {
      headers: { accept: "text/event-stream" },
      signal: stop,
    });
    if (!body || !headers.get("content-type")?.startsWith("text/event-stream")) {
      await body?.cancel();
      throw new ClientError("refused", `what answers at ${url} is no engine: its /live is no event stream`);
    }
    for await (const { event, data } of sseEvents(bytesOf(body, stop))) {
      timer.refresh();
      if (event === "hello") yield { kind: "hello", hello: parsed(data, url) };
      else if (event === "tick") yield { kind: "tick", tick: parsed(data, url) };
    }
  } catch (thrown) {
    if (thrown instanceof ClientError || signal.aborted) throw thrown;
    const why = silence.signal.aborted ? `said nothing for ${silenceMs / 1000} s` : "broke the connection";
    throw new ClientError("unreachable", `the engine at ${url} ${why}`, {
      reason: `it ${why}`,
      cause: thrown,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The engine is believed to keep to live_types.ts. */
function parsed<T extends LiveHello | LiveTick>(data: string, url: string): T {
  try {
    return JSON.parse(data);
  } catch (thrown) {
    throw new ClientError("refused", `what answers at ${url} is no engine: its /live gives no JSON`, {
      cause: thrown,
    });
  }
}
