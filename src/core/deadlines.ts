import TinyQueue from "tinyqueue";
import type { Millis } from "./types.ts";

interface Alarm {
  readonly key: number;
  readonly at: Millis;
}

/** Dead alarms tolerated on top of the live ones before they are swept out. */
const SLACK = 64;

/** Which keys are due by a given time. Memory follows the live keys, also when most are deleted before they are due. */
export class Deadlines {
  readonly #at = new Map<number, Millis>();
  #heap = newHeap([]);

  get size(): number {
    return this.#at.size;
  }

  /** Replaces an earlier deadline of the same key. */
  set(key: number, at: Millis): void {
    this.#at.set(key, at);
    this.#heap.push({ key, at });
    if (this.#heap.length > 2 * this.#at.size + SLACK) {
      this.#heap = newHeap(Array.from(this.#at, ([key, at]) => ({ key, at })));
    }
  }

  delete(key: number): void {
    this.#at.delete(key);
  }

  /** The earliest deadline. */
  next(): Millis | undefined {
    this.#dropDead();
    return this.#heap.peek()?.at;
  }

  /** Takes out one key whose deadline is at or before `now`, the earliest first. */
  popDue(now: Millis): number | undefined {
    this.#dropDead();
    const top = this.#heap.peek();
    if (!top || top.at > now) return undefined;
    this.#heap.pop();
    this.#at.delete(top.key);
    return top.key;
  }

  #dropDead(): void {
    for (let top = this.#heap.peek(); top && this.#at.get(top.key) !== top.at; top = this.#heap.peek()) {
      this.#heap.pop();
    }
  }
}

function newHeap(alarms: Alarm[]): TinyQueue<Alarm> {
  return new TinyQueue(alarms, (a, b) => a.at - b.at);
}
