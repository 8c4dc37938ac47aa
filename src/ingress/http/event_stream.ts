import { Buffer } from "node:buffer";
import { OmnispanError } from "../../errors.ts";
import type { Millis } from "../../types.ts";
import { CALLER_GONE } from "../caller_gone.ts";

/** What the transport may have unsent before events wait here for the reader. */
const WINDOW_BYTES = 16 * 1024;

/** Proxies neither hold back what a stream sends (nginx would) nor change it. */
export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

const encoder = new TextEncoder();

/**
 * Server-sent events with a bound: while the client is behind, text is joined into one event, and a client that
 * lets more than `limitBytes` gather loses the stream.
 */
export class EventStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #held = "";
  #heldBytes = 0;
  #ended: string | undefined;
  #closed = false;
  #used = false;
  readonly #alive: ReturnType<typeof setInterval>;

  /**
   * `event` makes an event's data of text; `gone` hears that nobody reads any more, and why; `hangUp` closes the
   * connection.
   */
  constructor(
    private readonly event: (text: string) => string,
    private readonly limitBytes: number,
    private readonly gone: (why: OmnispanError) => void,
    private readonly hangUp: () => void,
    aliveMs: Millis,
  ) {
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#flush(),
        cancel: () => this.#stop(CALLER_GONE),
      },
      { highWaterMark: WINDOW_BYTES, size: (chunk) => chunk.length },
    );
    // A comment now and then, for what lies between us and a client that waits in a long queue.
    this.#alive = setInterval(() => this.#hasRoom() && this.#write(": waiting\n\n"), aliveMs);
  }

  /** Something was sent, or waits to be. */
  get used(): boolean {
    return this.#used;
  }

  /** For a stream that never became a response. */
  abandon(): void {
    this.#stop(undefined);
  }

  /** Sends text as an event, or joins it with what waits. */
  push(text: string): void {
    if (this.#closed) return;
    this.#used = true;
    if (this.#held === "" && this.#hasRoom()) return this.#write(data(this.event(text)));
    this.#held += text;
    this.#heldBytes += Buffer.byteLength(text);
    if (this.#heldBytes <= this.limitBytes) return;
    const why =
      `the client does not read its stream: ${this.#heldBytes} bytes wait, STREAM_BUFFER_BYTES is ${this.limitBytes}`;
    this.#stop(new OmnispanError("resource_exhausted", why));
    this.hangUp();
  }

  /** Sends these events after all text, then ends. */
  end(events: readonly string[]): void {
    if (this.#closed) return;
    this.#ended = events.map(data).join("");
    this.#flush();
  }

  #flush(): void {
    if (this.#closed) return;
    if (this.#held !== "" && (this.#hasRoom() || this.#ended !== undefined)) {
      const held = this.#held;
      this.#held = "";
      this.#heldBytes = 0;
      this.#write(data(this.event(held)));
    }
    const ended = this.#ended;
    if (ended === undefined) return;
    this.#ended = undefined; // a waiting reader pulls again within the write
    this.#write(ended);
    this.#controller.close();
    this.#stop(undefined);
  }

  #hasRoom(): boolean {
    return !this.#closed && (this.#controller.desiredSize ?? 0) > 0;
  }

  #write(text: string): void {
    this.#controller.enqueue(encoder.encode(text));
  }

  #stop(why: OmnispanError | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#alive);
    if (why) this.gone(why);
  }
}

function data(text: string): string {
  return `data: ${text}\n\n`;
}
