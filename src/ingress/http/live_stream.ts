import { OmnispanError } from "../../core/errors.ts";
import type { LiveHello, LiveTick } from "../../live/feed.ts";
import { EVENT_STREAM_HEADERS } from "./event_stream.ts";

/** What the page and `top` listen to. */
export interface LiveSource {
  hello(): LiveHello;
  subscribe(listener: (tick: LiveTick) => void): Disposable;
}

/** Ticks that a reader may be behind; it then misses some, for each says how things are now. */
const BEHIND_BYTES = 256 * 1024;

const encoder = new TextEncoder();

/** `GET /live`: `hello`, then a `tick` a second, until the reader goes or the engine stops. */
export class LiveStreams implements Disposable {
  readonly #open = new Set<() => void>();
  #stopped = false;
  #latest: { tick: LiveTick; bytes: Uint8Array<ArrayBuffer> } | undefined;

  constructor(private readonly source: LiveSource) {}

  response(): Response {
    if (this.#stopped) throw new OmnispanError("unavailable", "the engine is stopping");
    let stop = () => {};
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          controller.enqueue(event("hello", this.source.hello()));
          const subscription = this.source.subscribe((tick) => {
            if ((controller.desiredSize ?? 0) > 0) controller.enqueue(this.#bytesOf(tick));
          });
          stop = () => {
            subscription[Symbol.dispose]();
            this.#open.delete(end);
          };
          const end = () => {
            stop();
            controller.close();
          };
          this.#open.add(end);
        },
        cancel: () => stop(),
      },
      { highWaterMark: BEHIND_BYTES, size: (chunk) => chunk.length },
    );
    return new Response(body, {
      headers: { ...EVENT_STREAM_HEADERS, "cache-control": "no-store, no-transform" },
    });
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const end of [...this.#open]) end();
  }

  /** All readers get the same bytes. */
  #bytesOf(tick: LiveTick): Uint8Array<ArrayBuffer> {
    if (this.#latest?.tick !== tick) this.#latest = { tick, bytes: event("tick", tick) };
    return this.#latest.bytes;
  }
}

function event(name: string, value: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
}
