import TinyQueue from "tinyqueue";
import type { Millis } from "../../src/core/types.ts";

interface Item {
  readonly at: Millis;
  readonly order: number;
  readonly act: () => void;
}

/** Instants are whole multiples of this, so that sums of times are exact. */
export const GRAIN_MS = 1 / 8;

/** What will happen in a run and when; time passes only by going to the next item. */
export class Agenda {
  readonly #items = new TinyQueue<Item>([], (a, b) => a.at - b.at || a.order - b.order);
  #order = 0;
  now: Millis = 1_000_000;

  /** How many items have come up. */
  passed = 0;

  after(ms: Millis, act: () => void): void {
    const at = Math.ceil((this.now + Math.max(0, ms)) / GRAIN_MS) * GRAIN_MS;
    this.#items.push({ at, order: this.#order++, act });
  }

  /** Lets the next thing happen; false when nothing is left. */
  next(): boolean {
    const item = this.#items.pop();
    if (!item) return false;
    this.now = item.at;
    this.passed++;
    item.act();
    return true;
  }
}

/** A one-way connection: what is sent arrives later, in the order it was sent. */
export class Wire {
  #freeAt: Millis = 0;

  constructor(private readonly agenda: Agenda) {}

  send(delayMs: Millis, arrive: () => void): void {
    this.#freeAt = Math.max(this.#freeAt, this.agenda.now + delayMs);
    this.agenda.after(this.#freeAt - this.agenda.now, arrive);
  }
}
