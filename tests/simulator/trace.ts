import type { Trace } from "./oracle/checked_core.ts";
import { ticketOf } from "./oracle/dispatch_checks.ts";
import type { Effect, Event } from "../../src/core/events.ts";
import type { Millis, SequenceId, Ticket } from "../../src/core/types.ts";

/** Turns that are remembered. */
const MEMORY = 20_000;

interface Turn {
  readonly now: Millis;
  readonly events: readonly Event[];
  readonly effects: readonly Effect[];
}

/** Remembers what the core was told and what it did, and tells the story of one request of it. */
export class Story {
  #turns: Turn[] = [];

  readonly trace: Trace = (now, events, effects) => {
    this.#turns.push({ now, events, effects: [...effects] });
    if (this.#turns.length > 2 * MEMORY) this.#turns = this.#turns.slice(-MEMORY);
  };

  /** The last lines about a request, or without one about everything. */
  last(count: number, ticket: Ticket | undefined): string[] {
    const lines: string[] = [];
    const sequences = new Set<SequenceId>();
    for (const { now, events, effects } of this.#turns) {
      for (const effect of effects) {
        if (effect.kind !== "dispatch") continue;
        for (const { wireId, sequence } of effect.group.members) {
          if (ticketOf(wireId) === ticket) sequences.add(sequence);
        }
      }
      const about = { ticket, sequences };
      for (const event of events) add(lines, now, "<-", tellEvent(event, about));
      for (const effect of effects) add(lines, now, "->", tellEffect(effect, about));
    }
    return lines.slice(-count);
  }
}

/** Without a ticket: about everything. */
interface About {
  readonly ticket: Ticket | undefined;
  readonly sequences: ReadonlySet<SequenceId>;
}

function add(lines: string[], now: Millis, arrow: string, text: string | undefined): void {
  if (text !== undefined) lines.push(`${now.toFixed(3).padStart(14)} ms ${arrow} ${text}`);
}

function tellEvent(event: Event, about: About): string | undefined {
  const all = about.ticket === undefined;
  switch (event.kind) {
    case "arrive":
    case "cancel":
      return all || event.ticket === about.ticket ? JSON.stringify(event) : undefined;
    case "wake":
    case "progress":
      return all ? event.kind : undefined;
    case "step": {
      const deltas = event.step.deltas.filter(({ sequence }) => all || about.sequences.has(sequence));
      const results = event.step.results.filter(({ sequence }) => all || about.sequences.has(sequence));
      return deltas.length + results.length > 0 ? `step ${JSON.stringify({ deltas, results })}` : undefined;
    }
    case "lost":
      return JSON.stringify(event);
    case "worker":
      return `worker ${event.worker} is ${event.state} ${event.detail}`;
    default:
      event satisfies never;
      return undefined;
  }
}

function tellEffect(effect: Effect, about: About): string | undefined {
  const all = about.ticket === undefined;
  switch (effect.kind) {
    case "dispatch": {
      const members = effect.group.members.filter(({ wireId }) => all || ticketOf(wireId) === about.ticket);
      const shown = members.map(({ sequence, wireId, remainingMs }) => ({ sequence, wireId, remainingMs }));
      return shown.length > 0
        ? `dispatch ${effect.group.dispatch.id} of ${effect.group.members.length} to worker ${effect.group.dispatch.worker} ` +
          JSON.stringify(shown)
        : undefined;
    }
    case "cancel": {
      const sequences = effect.sequences.filter((sequence) => all || about.sequences.has(sequence));
      return sequences.length > 0 ? `cancel ${sequences.join(" ")} at worker ${effect.worker}` : undefined;
    }
    case "delta":
      return all || effect.delta.ticket === about.ticket ? JSON.stringify(effect) : undefined;
    case "settle":
      return all || effect.ticket === about.ticket ? JSON.stringify(effect) : undefined;
    case "wake_at":
      return all ? `wake at ${effect.time}` : undefined;
    case "warn":
      return all ? effect.message : undefined;
    default:
      effect satisfies never;
      return undefined;
  }
}
