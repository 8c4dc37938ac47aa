import { type Decision, IDLE, type Policy } from "./modes/policy.ts";
import type { Millis, Mode, Submission, Ticket } from "./types.ts";
import { Admission } from "./admission.ts";
import type { CoreLimits } from "./events.ts";
import { FifoQueue, type Queueable } from "./queue.ts";
import type { Group, Run } from "./run.ts";

/** A request that was accepted and has not settled. */
export interface Entry extends Queueable<Entry> {
  readonly ticket: Ticket;
  readonly submission: Submission;
  readonly lane: Lane;
  readonly queuedAt: Millis;
  /** Sendings so far. */
  attempts: number;
  /** Sendings so far that count against WORKER_TRIES. */
  tries: number;
  /** Nothing else was at the worker during its last sending. */
  alone: boolean;
  /** Of a suspect (see `losses.ts`): the most requests that may be at the worker together with it, itself included. */
  mayRunAmong: number | undefined;
  /** Undefined while it waits. */
  run: Run | undefined;
}

export type Departure = Extract<Decision, { kind: "dispatch" }>;

/**
 * The requests of one mode: first in, first out, admitted and let go by that mode's admission and policy, which see
 * nothing of the other lanes. So a mode's limits and its window hold whatever else waits or is at the worker, no lane
 * waits for another, and none is refused for another.
 */
export class Lane {
  readonly admission: Admission;
  readonly #queue = new FifoQueue<Entry>();
  #running = 0;
  #runningStreams = 0;
  #groupsInFlight = 0;
  /** Requests wait for a place at the worker. */
  #heldBack = false;
  /** When a place last became free, and when one last did that requests waited for. */
  #returnedAt: Millis = 0;
  #releasedAt: Millis = 0;
  #wakeAt: Millis | undefined;

  constructor(readonly mode: Mode, private readonly policy: Policy, limits: CoreLimits) {
    this.admission = new Admission(mode, limits);
  }

  /** The next to leave: the oldest suspect, else the one that waits for longest. */
  get first(): Entry | undefined {
    return this.#queue.first;
  }

  /** When a place last became free that requests waited for. */
  get releasedAt(): Millis {
    return this.#releasedAt;
  }

  /** When the policy wants to be asked again. */
  get wakeAt(): Millis | undefined {
    return this.#wakeAt;
  }

  enqueue(entry: Entry): void {
    this.admission.entered(entry.submission);
    // One that comes back from a lost worker is older than those that never left.
    if (entry.attempts > 0) this.#queue.insert(entry, (other) => precedes(entry, other));
    else this.#queue.push(entry);
  }

  /** Its caller no longer waits. Those behind it may go now, when it waited for a place that they don't need. */
  abandon(entry: Entry, now: Millis): void {
    this.leaveQueue(entry);
    if (this.#heldBack) this.#releasedAt = now;
  }

  leaveQueue(entry: Entry): void {
    this.admission.left(entry.submission);
    this.#queue.remove(entry);
  }

  /**
   * The group that the policy lets go now of the first `most` that wait, if it does; it is to be asked again until it
   * lets none go. `workerRows` are those that the worker runs at once, where it tells.
   */
  ask(now: Millis, most: number, workerRows: number | undefined): Departure | undefined {
    const decision = this.#decide(now, most, workerRows);
    if (decision.kind === "dispatch") return decision;
    this.#wakeAt = decision.kind === "wait" ? decision.until : undefined;
    const noPlace = decision.kind === "idle" && this.#queue.length > 0;
    this.#heldBack = noPlace || most < this.#queue.length;
    this.admission.update(noPlace ? this.#running : undefined, now);
    return undefined;
  }

  /** Nothing of this lane may be sent now. */
  holdBack(now: Millis): void {
    this.#wakeAt = undefined;
    this.#heldBack = this.#queue.length > 0;
    this.admission.update(undefined, now);
  }

  #decide(now: Millis, most: number, workerRows: number | undefined): Decision {
    const oldest = this.#queue.first;
    if (!oldest) return IDLE;
    return this.policy.decide(
      {
        depth: Math.min(this.#queue.length, most),
        oldestReceivedAt: oldest.submission.receivedAt,
        oldestIsStream: oldest.submission.stream,
        running: this.#running,
        runningStreams: this.#runningStreams,
        dispatchesInFlight: this.#groupsInFlight,
        workerRows,
      },
      now,
    );
  }

  /** When a group had to leave, so that what comes after it is the scheduler's own delay. */
  dueAt({ reason, dueAt }: Departure, newest: Submission): Millis {
    const workerFreeAt = reason === "idle" ? this.#returnedAt : this.#releasedAt;
    return Math.max(dueAt ?? newest.receivedAt, workerFreeAt);
  }

  sent(group: readonly Entry[]): void {
    this.#running += group.length;
    for (const { submission } of group) if (submission.stream) this.#runningStreams++;
    this.#groupsInFlight++;
  }

  /** One of the group is no longer at the worker. */
  returned({ submission }: Entry, group: Group, now: Millis): void {
    this.#running--;
    if (submission.stream) this.#runningStreams--;
    if (--group.left === 0) this.#groupsInFlight--;
    this.placeFreed(now);
  }

  /** One that waits to be sent again had a place until now. */
  lostPlace(now: Millis): void {
    this.#releasedAt = now;
  }

  placeFreed(now: Millis): void {
    this.#returnedAt = now;
    if (this.#heldBack) this.#releasedAt = now;
  }
}

/** Suspects are sent before all others, each kind in the order of arrival. */
function precedes(entry: Entry, other: Entry): boolean {
  const suspected = entry.mayRunAmong !== undefined;
  if (suspected !== (other.mayRunAmong !== undefined)) return suspected;
  return entry.ticket < other.ticket;
}
