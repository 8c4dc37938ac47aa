import type { Ticket } from "./types.ts";

/** What an order may know of a request that waits, and the links by which it finds it again. */
export interface Queueable<T> {
  /** Rises with the order of arrival. */
  readonly ticket: Ticket;
  previous: T | undefined;
  next: T | undefined;
}

/**
 * Decides who is next among the requests that wait in one mode's queue; a policy decides when and how many. An item is
 * in at most one order at a time. All operations keep no trace of an item that has been taken out.
 */
export interface Order<T> extends Iterable<T> {
  readonly length: number;
  /** The next to leave; it stays in. */
  readonly first: T | undefined;
  /** Takes in a request that arrives. */
  push(item: T): void;
  /** Takes out the next to leave. */
  take(): T | undefined;
  /** Takes in a request that had left and comes back, to where it would be had it never left. */
  putBack(item: T): void;
  /** Takes out a request, wherever it stands. */
  remove(item: T): void;
}

export interface OrderDefinition {
  readonly name: string;
  make<T extends Queueable<T>>(): Order<T>;
  /** The law for the oracle: whether `a` leaves before `b` when both wait. */
  precedes(a: { readonly ticket: Ticket }, b: { readonly ticket: Ticket }): boolean;
}

/** First in, first out. */
export const fifo: OrderDefinition = {
  name: "fifo",
  make: () => new Fifo(),
  precedes: (a, b) => a.ticket < b.ticket,
};

/** A linked list: all operations O(1), but for `putBack`, which is cheap for items near the front. */
class Fifo<T extends Queueable<T>> implements Order<T> {
  #first: T | undefined;
  #last: T | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let item = this.#first; item; item = item.next) yield item;
  }

  push(item: T): void {
    item.previous = this.#last;
    item.next = undefined;
    if (this.#last) this.#last.next = item;
    else this.#first = item;
    this.#last = item;
    this.#length++;
  }

  take(): T | undefined {
    const item = this.#first;
    if (item) this.remove(item);
    return item;
  }

  putBack(item: T): void {
    let next = this.#first;
    while (next && next.ticket < item.ticket) next = next.next;
    if (!next) return this.push(item);
    item.next = next;
    item.previous = next.previous;
    if (next.previous) next.previous.next = item;
    else this.#first = item;
    next.previous = item;
    this.#length++;
  }

  remove(item: T): void {
    if (item.previous) item.previous.next = item.next;
    else this.#first = item.next;
    if (item.next) item.next.previous = item.previous;
    else this.#last = item.previous;
    item.previous = item.next = undefined;
    this.#length--;
  }
}
