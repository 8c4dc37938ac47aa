/** What `top` knows of the engine; pure. */
import type { LiveBatch, LiveHello, LivePoint, LiveTick } from "../observe/live/live_types.ts";
import type { Millis } from "../core/types.ts";
import type { LiveEvent } from "./live_stream.ts";

export interface TopState {
  readonly startedAt: Millis;
  readonly settings: LiveHello["settings"];
  readonly tick: LiveTick;
  /** One for each second, oldest first. */
  readonly history: readonly LivePoint[];
  /** Newest first. */
  readonly batches: readonly LiveBatch[];
  /** Set while there is no connection. */
  readonly lost?: { readonly since: Millis; readonly why: string };
}

/** What the feed itself keeps. */
const MOST_POINTS = 900;
const MOST_BATCHES = 60;

/** The state after the event; `at` is this machine's time. Undefined before the first hello. */
export function after(state: TopState | undefined, event: LiveEvent, at: Millis): TopState | undefined {
  switch (event.kind) {
    case "hello":
      return fromHello(event.hello);
    case "tick":
      return state && withTick(state, event.tick);
    case "lost":
      return state && { ...state, lost: { since: state.lost?.since ?? at, why: event.why } };
    default:
      return event satisfies never;
  }
}

function fromHello({ startedAt, settings, history, batches, tick }: LiveHello): TopState {
  return withTick({ startedAt, settings, tick, history, batches: [...batches].reverse() }, tick);
}

/** A tick may come within the second of the one before it, and tell a batch that was told already. */
function withTick({ startedAt, settings, history, batches }: TopState, tick: LiveTick): TopState {
  const { point } = tick;
  const earlier = history.filter(({ at }) => at < point.at);
  const told = new Map([...batches].reverse().map((batch) => [batch.id, batch]));
  for (const batch of tick.batches) told.set(batch.id, batch);
  return {
    startedAt,
    settings,
    tick,
    history: [...earlier, point].slice(-MOST_POINTS),
    batches: [...told.values()].sort((one, other) => other.id - one.id).slice(0, MOST_BATCHES),
  };
}
