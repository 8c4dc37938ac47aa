/** What a reader of `/live` knows of the engine: the state after each event, and what is read from it. All is pure. */
import {
  HISTORY_BATCHES,
  HISTORY_SECONDS,
  type LiveBatch,
  type LiveHello,
  type LiveMode,
  type LivePoint,
  type LiveTick,
} from "./feed.ts";
import type { LiveEvent } from "./follow.ts";

export interface LiveState {
  readonly hello: LiveHello;
  readonly tick: LiveTick;
  /** One for each second, oldest first. */
  readonly history: readonly LivePoint[];
  /** The last batches that left, newest first. */
  readonly batches: readonly LiveBatch[];
  /** Set while there is no connection. */
  readonly lost?: { readonly since: number; readonly why: string };
}

/** The rate of a single second varies too much to be read. */
const RATE_SECONDS = 5;

/** The state after the event; `at` is this machine's time in Unix ms. Undefined before the first hello. */
export function after(state: LiveState | undefined, event: LiveEvent, at: number): LiveState | undefined {
  switch (event.kind) {
    case "hello": {
      const { hello } = event;
      const { history, batches, tick } = hello;
      return withTick({ hello, tick, history, batches: [...batches].reverse() }, tick);
    }
    case "tick":
      return state && withTick(state, event.tick);
    case "lost":
      return state && { ...state, lost: { since: state.lost?.since ?? at, why: event.why } };
    default:
      return event satisfies never;
  }
}

/** A tick may come within the second of the one before it, and have a batch that an earlier one had. */
function withTick({ hello, history, batches }: LiveState, tick: LiveTick): LiveState {
  const { point } = tick;
  const earlier = history.filter(({ at }) => at < point.at);
  const byId = new Map([...batches, ...tick.batches].map((batch) => [batch.id, batch]));
  return {
    hello,
    tick,
    history: [...earlier, point].slice(-HISTORY_SECONDS),
    batches: [...byId.values()].sort((one, other) => other.id - one.id).slice(0, HISTORY_BATCHES),
  };
}

/** Means of the last five seconds. */
export function ratesOf({ history }: LiveState): Pick<LivePoint, "arrived" | "ended" | "outputTokens"> {
  const recent = lastSeconds(history, RATE_SECONDS);
  const mean = (of: (point: LivePoint) => number) => sum(recent, of) / Math.max(1, recent.length);
  return {
    arrived: mean(({ arrived }) => arrived),
    ended: mean(({ ended }) => ended),
    outputTokens: mean(({ outputTokens }) => outputTokens),
  };
}

/** Sums of the last sixty seconds. */
export function lastMinuteOf({ history }: LiveState): Pick<LivePoint, "ended" | "failed"> {
  const recent = lastSeconds(history, 60);
  return { ended: sum(recent, ({ ended }) => ended), failed: sum(recent, ({ failed }) => failed) };
}

/** How requests have failed since the engine's start, the most frequent status first. */
export function failuresOf({ tick: { totals } }: LiveState): [status: string, times: number][] {
  return Object.entries(totals.failed).filter(([, times]) => times > 0).sort(([, a], [, b]) => b - a);
}

/** The engine's own mode; undefined when the engine does not describe it. */
export function ownMode({ mode, modes }: LiveHello): LiveMode | undefined {
  return modes.find(({ name }) => name === mode);
}

/** Completes "it left because ...". */
export function because(modes: readonly LiveMode[], mode: string, reason: string): string {
  return modes.find(({ name }) => name === mode)?.reasons[reason] ?? reason;
}

/** Seconds may be missing, where the engine or its reader was away. */
function lastSeconds(history: readonly LivePoint[], seconds: number): readonly LivePoint[] {
  const from = (history.at(-1)?.at ?? 0) - seconds * 1000;
  return history.slice(-seconds).filter(({ at }) => at > from);
}

function sum(points: readonly LivePoint[], of: (point: LivePoint) => number): number {
  return points.reduce((total, point) => total + of(point), 0);
}
