/** A place in a queue; the queue links it, its owner fills it. */
export interface Queueable<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** First in, first out, with removal from the middle; all operations O(1), no memory left behind. */
export class FifoQueue<T extends Queueable<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first;
  }

  push(item: T): void {
    item.previous = this.#last;
    item.next = undefined;
    if (this.#last) this.#last.next = item;
    else this.#first = item;
    this.#last = item;
    this.#length++;
  }

  /** Puts `item` ahead of the first that it precedes, counted from the front: cheap for items near the front. */
  insert(item: T, precedes: (other: T) => boolean): void {
    let next = this.#first;
    while (next && !precedes(next)) next = next.next;
    if (!next) return this.push(item);
    item.next = next;
    item.previous = next.previous;
    if (next.previous) next.previous.next = item;
    else this.#first = item;
    next.previous = item;
    this.#length++;
  }

  shift(): T | undefined {
    const item = this.#first;
    if (item) this.remove(item);
    return item;
  }

  /** `item` must be in this queue. */
  remove(item: T): void {
    if (item.previous) item.previous.next = item.next;
    else this.#first = item.next;
    if (item.next) item.next.previous = item.previous;
    else this.#last = item.previous;
    item.previous = item.next = undefined;
    this.#length--;
  }
}
