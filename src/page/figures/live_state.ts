import type { LiveBatch, LiveHello, LivePoint, LiveTick } from "../../observe/live/live_types.ts";

const MOST_POINTS = 900;
const MOST_BATCHES = 60;
const MINUTE_MS = 60_000;
/** A single second says little about a rate. */
const RATE_SECONDS = 5;

/** What has been told since the last hello. A view draws from it and never changes it. */
export class LiveState {
  readonly hello: LiveHello;
  tick: LiveTick;
  /** Oldest first, one a second at most. */
  readonly points: LivePoint[];
  /** By their ids, in the order in which they left. */
  readonly #batches = new Map<number, LiveBatch>();

  constructor(hello: LiveHello) {
    this.hello = hello;
    this.tick = hello.tick;
    this.points = hello.history.slice(-MOST_POINTS);
    this.#takeBatches(hello.batches);
    this.apply(hello.tick);
  }

  apply(tick: LiveTick): void {
    this.tick = tick;
    const last = this.points.at(-1);
    if (last?.at === tick.point.at) this.points.pop();
    if (last === undefined || tick.point.at >= last.at) this.points.push(tick.point);
    if (this.points.length > MOST_POINTS) this.points.shift();
    this.#takeBatches(tick.batches);
  }

  /** The last `most` that left, newest first. */
  latestBatches(most: number): LiveBatch[] {
    return [...this.#batches.values()].slice(-most).reverse();
  }

  /** Means of the last seconds. */
  rates(): { readonly arrived: number; readonly ended: number; readonly outputTokens: number } {
    const recent = this.#since(RATE_SECONDS * 1000);
    const mean = (of: (point: LivePoint) => number) => sum(recent, of) / Math.max(1, recent.length);
    return {
      arrived: mean(({ arrived }) => arrived),
      ended: mean(({ ended }) => ended),
      outputTokens: mean(({ outputTokens }) => outputTokens),
    };
  }

  lastMinute(): { readonly ended: number; readonly failed: number } {
    const recent = this.#since(MINUTE_MS);
    return { ended: sum(recent, ({ ended }) => ended), failed: sum(recent, ({ failed }) => failed) };
  }

  #since(ms: number): LivePoint[] {
    const from = (this.points.at(-1)?.at ?? 0) - ms;
    return this.points.slice(-Math.ceil(ms / 1000)).filter(({ at }) => at > from);
  }

  #takeBatches(batches: readonly LiveBatch[]): void {
    for (const batch of batches) this.#batches.set(batch.id, batch);
    for (const id of this.#batches.keys()) {
      if (this.#batches.size <= MOST_BATCHES) break;
      this.#batches.delete(id);
    }
  }
}

function sum(points: readonly LivePoint[], of: (point: LivePoint) => number): number {
  return points.reduce((total, point) => total + of(point), 0);
}
