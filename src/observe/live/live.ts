import { now } from "../../clock.ts";
import type { Dispatch, ThreadStats } from "../../core/types.ts";
import type { LiveHello, LiveTick } from "../../live/feed.ts";
import { type LiveFeedOptions, LiveRecord } from "./live_record.ts";
import type { Observer, OpenRequest, RequestEnd } from "../observer.ts";

/** Must not throw. */
export type OnTick = (tick: LiveTick) => void;

const TICK_MS = 1000;

/**
 * What the live page and `deno task top` show; one for each engine. It keeps the last 15 minutes, and makes
 * a tick only while there are listeners. All listeners get the same object.
 */
export class LiveFeed implements Observer, Disposable {
  readonly #record: LiveRecord;
  readonly #listeners = new Set<OnTick>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** A second is over and the scheduler's stats have not come yet. */
  #closing = false;
  #disposed = false;

  constructor(private readonly options: LiveFeedOptions) {
    this.#record = new LiveRecord(options);
    this.#timer = setInterval(() => this.#beat(), TICK_MS);
  }

  accepted(request: OpenRequest): void {
    this.#record.accepted(request);
  }

  dispatched(notice: Dispatch, members: readonly OpenRequest[]): void {
    this.#record.dispatched(notice, members);
  }

  ended(end: RequestEnd): void {
    this.#record.ended(end);
  }

  /** The first event of a new listener; all that happens after it comes in ticks. */
  hello(): LiveHello {
    return this.#record.hello(now());
  }

  /** A tick a second until it is disposed. */
  subscribe(listener: OnTick): Disposable {
    const own: OnTick = (tick) => listener(tick); // one that subscribes twice is called twice
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** Makes a tick at once, for the state of the worker is another. */
  workerChanged(): void {
    this.#publish();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  /** Closes the second that is over without stats when they have not come within it. */
  #beat(): void {
    if (this.#closing) this.#close(undefined);
    this.#closing = true;
    const close = (stats: ThreadStats | undefined) => {
      if (this.#closing) this.#close(stats);
    };
    this.options.stats().then(close, () => close(undefined));
  }

  #close(stats: ThreadStats | undefined): void {
    if (this.#disposed) return;
    this.#closing = false;
    this.#record.closeSecond(now(), stats);
    this.#publish();
  }

  #publish(): void {
    if (this.#listeners.size === 0) return this.#record.forgetNews();
    const tick = this.#record.tick(now());
    for (const listener of this.#listeners) listener(tick);
  }
}
