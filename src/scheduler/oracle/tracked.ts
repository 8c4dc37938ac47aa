import TinyQueue from "tinyqueue";
import type { DispatchGroup } from "../events.ts";
import type { Millis, SequenceId, Submission, Ticket, WorkerFailure } from "../../types.ts";

/** What the last events must lead to. */
export type Verdict =
  | { readonly kind: "ok" }
  | { readonly kind: "failed"; readonly status: WorkerFailure; readonly tellWorker: boolean }
  | { readonly kind: "requeue" };

/** A group that was dispatched. */
export interface SentGroup {
  readonly id: DispatchGroup["id"];
  readonly size: number;
  /** Members at the worker. */
  left: number;
  /** How late the scheduler may have been with it. */
  readonly lateMost: Millis;
}

/** What is known from outside of a request that has arrived and not settled. */
export interface Tracked {
  readonly ticket: Ticket;
  readonly submission: Submission;
  readonly queuedAt: Millis;
  attempts: number;
  /** The newest sending; 0 while it waits. */
  sequence: SequenceId;
  group: SentGroup | undefined;
  dispatchedAt: Millis;
  progressAt: Millis;
  /** Something of the answer came, first at this time. */
  begun: boolean;
  firstTokenAt: Millis;
  /** Tokens that the worker gave, and those that went to the caller. */
  heard: number;
  given: number;
  verdict: Verdict | undefined;
}

export function track(ticket: Ticket, submission: Submission, queuedAt: Millis): Tracked {
  return {
    ticket,
    submission,
    queuedAt,
    attempts: 0,
    sequence: 0,
    group: undefined,
    dispatchedAt: 0,
    progressAt: 0,
    begun: false,
    firstTokenAt: 0,
    heard: 0,
    given: 0,
    verdict: undefined,
  };
}

interface Alarm {
  readonly request: Tracked;
  readonly sequence: SequenceId;
  readonly at: Millis;
}

/** Everything that has arrived and not settled, with the questions the promises ask of it. */
export class Book {
  readonly #open = new Map<Ticket, Tracked>();
  readonly #running = new Map<SequenceId, Tracked>();
  readonly #queue = new TinyQueue<Ticket>();
  readonly #deadlines = new TinyQueue<Tracked>([], (a, b) => a.submission.deadline! - b.submission.deadline!);
  readonly #silences = new TinyQueue<Alarm>([], (a, b) => a.at - b.at);
  waiting = 0;
  waitingBytes = 0;
  groups = 0;

  get size(): number {
    return this.#open.size;
  }

  get running(): number {
    return this.#running.size;
  }

  find(ticket: Ticket): Tracked | undefined {
    return this.#open.get(ticket);
  }

  findRunning(sequence: SequenceId): Tracked | undefined {
    return this.#running.get(sequence);
  }

  runningSequences(): SequenceId[] {
    return [...this.#running.keys()];
  }

  tickets(): IterableIterator<Ticket> {
    return this.#open.keys();
  }

  admit(request: Tracked): void {
    this.#open.set(request.ticket, request);
    if (request.submission.deadline !== undefined) this.#deadlines.push(request);
    this.#wait(request);
  }

  start(request: Tracked, sequence: SequenceId, group: SentGroup, now: Millis): void {
    this.#stopWaiting(request);
    Object.assign(request, {
      sequence,
      group,
      dispatchedAt: now,
      progressAt: now,
      begun: false,
      heard: 0,
      given: 0,
    });
    request.attempts++;
    this.#running.set(sequence, request);
    this.#silences.push({ request, sequence, at: now });
  }

  requeue(request: Tracked): void {
    this.#stopRunning(request);
    this.#wait(request);
  }

  settle(request: Tracked): void {
    if (request.sequence > 0) this.#stopRunning(request);
    else this.#stopWaiting(request);
    this.#open.delete(request.ticket);
  }

  oldestWaiting(): Tracked | undefined {
    for (let ticket = this.#queue.peek(); ticket !== undefined; ticket = this.#queue.peek()) {
      const request = this.#open.get(ticket);
      if (request && request.sequence === 0) return request;
      this.#queue.pop();
    }
    return undefined;
  }

  /** The one whose caller's patience ends first. */
  nextDeadline(): Tracked | undefined {
    for (let next = this.#deadlines.peek(); next; next = this.#deadlines.peek()) {
      if (this.#open.has(next.ticket)) return next;
      this.#deadlines.pop();
    }
    return undefined;
  }

  /** The one at the worker that gave no sign of life for longest. */
  longestSilent(): Tracked | undefined {
    for (let next = this.#silences.peek(); next; next = this.#silences.peek()) {
      const { request, sequence, at } = next;
      const alive = request.sequence === sequence && this.#open.has(request.ticket);
      if (alive && request.progressAt === at) return request;
      this.#silences.pop();
      if (alive) this.#silences.push({ request, sequence, at: request.progressAt });
    }
    return undefined;
  }

  #wait(request: Tracked): void {
    request.sequence = 0;
    request.group = undefined;
    this.#queue.push(request.ticket);
    this.#count(request, 1);
  }

  #stopWaiting(request: Tracked): void {
    this.#count(request, -1);
  }

  #count({ submission: { promptBytes } }: Tracked, one: 1 | -1): void {
    this.waiting += one;
    this.waitingBytes += one * promptBytes;
  }

  #stopRunning(request: Tracked): void {
    this.#running.delete(request.sequence);
    const group = request.group!;
    if (--group.left === 0) this.groups--;
  }
}
