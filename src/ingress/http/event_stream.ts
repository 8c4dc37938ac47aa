import { Buffer } from "node:buffer";
import { OmnispanError } from "../../core/errors.ts";
import type { Millis } from "../../core/types.ts";
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

/** Text that waits for the reader. */
interface Held {
  readonly index: number;
  text: string;
}

/**
 * Server-sent events with a bound: while the client is behind, the text of each index is joined into one event, and a
 * client that lets more than `limitBytes` gather loses the stream.
 */
export class EventStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  /** Texts and events in the order in which they go out. */
  #held: (Held | string)[] = [];
  #heldBytes = 0;
  #ended = false;
  #closed = false;
  #used = false;
  readonly #alive: ReturnType<typeof setInterval>;

  /**
   * `event` makes an event's data of an index's text; `gone` hears that nobody reads any more, and why; `hangUp` closes the
   * connection.
   */
  constructor(
    private readonly event: (text: string, index: number) => string,
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

  /** Sends text as an event, or joins it with what waits of its index. */
  push(text: string, index = 0): void {
    if (this.#closed) return;
    this.#used = true;
    if (this.#isFree()) return this.#write(data(this.event(text, index)));
    const held = this.#held.find((one) => typeof one !== "string" && one.index === index) as Held | undefined;
    if (held) held.text += text;
    else this.#held.push({ index, text });
    this.#bound(Buffer.byteLength(text));
  }

  /** Sends these events after all text that has come. */
  say(events: readonly string[]): void {
    if (this.#closed) return;
    this.#used = true;
    const text = events.map(data).join("");
    if (this.#isFree()) return this.#write(text);
    this.#held.push(text);
    this.#bound(Buffer.byteLength(text));
  }

  /** Sends these events after all else, then ends. */
  end(events: readonly string[]): void {
    if (this.#closed) return;
    this.#ended = true;
    this.#held.push(events.map(data).join(""));
    this.#flush();
  }

  #bound(more: number): void {
    this.#heldBytes += more;
    if (this.#heldBytes <= this.limitBytes) return;
    const why =
      `the client does not read its stream: ${this.#heldBytes} bytes wait, STREAM_BUFFER_BYTES is ${this.limitBytes}`;
    this.#stop(new OmnispanError("resource_exhausted", why));
    this.hangUp();
  }

  #flush(): void {
    if (this.#closed || !(this.#ended || this.#hasRoom())) return;
    const held = this.#held;
    this.#held = []; // a waiting reader pulls again within the write
    this.#heldBytes = 0;
    const text = held.map((one) => typeof one === "string" ? one : data(this.event(one.text, one.index)));
    if (text.length > 0) this.#write(text.join(""));
    if (!this.#ended || this.#closed) return;
    this.#controller.close();
    this.#stop(undefined);
  }

  #isFree(): boolean {
    return this.#held.length === 0 && this.#hasRoom();
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
