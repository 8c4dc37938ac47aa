import type { LiveHello, LiveTick } from "../../observe/live/live_types.ts";
import { keyHeader, Refusal, refusalOf } from "./refusal.ts";
import { eventsOf } from "./sse.ts";

/** The engine speaks once a second; so long a silence means that the connection is dead though nobody closed it. */
const SILENCE_MS = 5000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

export interface LiveListener {
  hello(hello: LiveHello): void;
  tick(tick: LiveTick): void;
  /** It will be tried again in `retryMs`. */
  lost(why: string, retryMs: number): void;
  /** The engine wants another key; nothing more happens until `follow` is called anew. */
  refused(refusal: Refusal): void;
}

/** Follows `/live` until the signal aborts or the key is refused; a lost connection is made again by itself. */
export async function follow(
  url: string,
  key: string,
  listener: LiveListener,
  signal: AbortSignal,
  silenceMs = SILENCE_MS,
): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      await listen(
        url,
        key,
        {
          ...listener,
          hello(hello) {
            attempt = 0;
            listener.hello(hello);
          },
          tick: (tick) => listener.tick(tick),
        },
        signal,
        silenceMs,
      );
      if (!signal.aborted) throw new Error("the engine ended the connection");
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && (error.status === 401 || error.status === 403)) {
        return listener.refused(error);
      }
      const wait = retryMs(attempt);
      listener.lost(reasonOf(error), wait);
      await pause(wait, signal);
    }
  }
}

/** Browsers word it differently when nothing answers; all throw a TypeError. */
function reasonOf(error: unknown): string {
  if (error instanceof TypeError) return "the engine can't be reached";
  return error instanceof Error ? error.message : String(error);
}

/** Half a second, and twice as long after each try that failed, up to five seconds. */
export function retryMs(attempt: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
}

async function listen(
  url: string,
  key: string,
  listener: LiveListener,
  signal: AbortSignal,
  silenceMs: number,
): Promise<void> {
  const silence = new AbortController();
  const watch = () => setTimeout(() => silence.abort(new Error("the engine has gone silent")), silenceMs);
  let timer = watch();
  try {
    const response = await fetch(url, {
      headers: { accept: "text/event-stream", ...keyHeader(key) },
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok) throw await refusalOf(response);
    if (!response.body) throw new Error("the engine sent no events");
    for await (const { name, data } of eventsOf(response.body)) {
      clearTimeout(timer);
      timer = watch();
      if (name === "hello") listener.hello(JSON.parse(data));
      else if (name === "tick") listener.tick(JSON.parse(data));
    }
  } finally {
    clearTimeout(timer);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
