import { Admission } from "./admission.ts";
import type { CoreLimits } from "./events.ts";
import { type Decision, IDLE, type Policy } from "./modes/mode.ts";
import type { DispatchReason, Mode } from "./modes/modes.ts";
import { fifo, type Order, type OrderDefinition } from "./order.ts";
import type { Entry } from "./run.ts";
import type { Suspects } from "./suspects.ts";
import { earliest, type Millis } from "./time.ts";
import { type Place, route } from "./workers.ts";

/** What the policy lets go, and to which worker. */
export interface Departure {
  readonly place: Place;
  readonly decision: Extract<Decision<DispatchReason>, { kind: "dispatch" }>;
  /** The requests that it is taken from. */
  readonly from: Order<Entry>;
}

/**
 * The requests of one mode: admitted and let go by that mode's admission, order and policy, which see nothing of the
 * other lanes. So a mode's limits and its window hold whatever else waits or is at a worker, no lane waits for
 * another, and none is refused for another.
 */
export class Lane {
  readonly admission: Admission;
  readonly #order: Order<Entry>;
  /** Those that wait and may have ended a worker: the oldest first. */
  readonly suspects: Order<Entry>;
  /** Requests wait for a place at a worker. */
  #isHeldBack = false;
  /** When a place last became free, and when one last did that requests waited for. */
  #returnedAt: Millis = 0;
  #releasedAt: Millis = 0;
  #wakeAt: Millis | undefined;
  readonly #able: Departure[] = [];

  constructor(
    readonly mode: Mode,
    private readonly policy: Policy<DispatchReason>,
    order: OrderDefinition,
    limits: CoreLimits,
  ) {
    this.admission = new Admission(mode, limits);
    this.#order = order.make();
    this.suspects = fifo.make();
  }

  get isEmpty(): boolean {
    return this.admission.requests === 0;
  }

  /** Takes out all that wait, the next to leave first. */
  *drain(): Generator<Entry> {
    for (let entry = this.#first; entry; entry = this.#first) {
      this.remove(entry);
      yield entry;
    }
  }

  get #first(): Entry | undefined {
    return this.suspects.first ?? this.#order.first;
  }

  /** When the policy wants to be asked again. */
  get wakeAt(): Millis | undefined {
    return this.#wakeAt;
  }

  /** When a place last became free that requests waited for. */
  get releasedAt(): Millis {
    return this.#releasedAt;
  }

  enqueue(entry: Entry): void {
    this.admission.entered(entry.submission);
    if (entry.mayRunAmong !== undefined) this.suspects.putBack(entry);
    else if (entry.attempts > 0) this.#order.putBack(entry);
    else this.#order.push(entry);
  }

  remove(entry: Entry): void {
    this.admission.left(entry.submission);
    if (entry.mayRunAmong !== undefined) this.suspects.remove(entry);
    else this.#order.remove(entry);
  }

  /** Takes back one that is to be sent again: it had a place until now. */
  putBack(entry: Entry, now: Millis): void {
    this.#releasedAt = now;
    this.enqueue(entry);
  }

  /** Takes out one whose caller left. Those behind it may go now, when it waited for a place that they don't need. */
  abandon(entry: Entry, now: Millis): void {
    this.remove(entry);
    if (this.#isHeldBack) this.#releasedAt = now;
  }

  placeFreed(now: Millis): void {
    this.#returnedAt = now;
    if (this.#isHeldBack) this.#releasedAt = now;
  }

  /**
   * The group that leaves now, if one does, and for which worker; to be asked again until none leaves. Suspects go to
   * the worker that is set aside for them, all others to the least loaded of those that the policy lets them go to.
   */
  ask(now: Millis, places: readonly Place[], suspects: Suspects): Departure | undefined {
    const aside = suspects.worker;
    const able = this.#able;
    able.length = 0;
    let wakeAt: Millis | undefined;
    let waits = false; // for company, those that are no suspects
    let suspectsWait = false;
    for (const place of places) {
      if (!place.isUp) continue;
      const [from, most] = place === aside
        ? [this.suspects, suspects.mayLeave(this.suspects, place)]
        : [this.#order, Infinity];
      const decision = this.#decide(from, Math.min(from.length, most), place, now);
      if (decision.kind === "dispatch") able.push({ place, decision, from });
      if (decision.kind !== "wait") continue;
      if (place === aside) suspectsWait = most >= from.length;
      else waits = true;
      wakeAt = earliest(wakeAt, decision.until);
    }
    if (able.length > 0) return able.length === 1 ? able[0] : routed(able);
    this.#wakeAt = wakeAt;
    const noPlace = !waits && this.#order.length > 0;
    this.#isHeldBack = noPlace || (!suspectsWait && this.suspects.length > 0);
    this.admission.update(noPlace ? this.#runningAt(places) : undefined, now);
    return undefined;
  }

  /** Takes note that nothing of this lane may be sent now. */
  holdBack(now: Millis): void {
    this.#wakeAt = undefined;
    this.#isHeldBack = !this.isEmpty;
    this.admission.update(undefined, now);
  }

  /** When a group had to leave, so that what comes after it is the scheduler's own delay. */
  dueAt({ decision: { reason, dueAt } }: Departure, newestReceivedAt: Millis): Millis {
    const workerFreeAt = reason === "idle" ? this.#returnedAt : this.#releasedAt;
    return Math.max(dueAt ?? newestReceivedAt, workerFreeAt);
  }

  #decide(from: Order<Entry>, depth: number, place: Place, now: Millis): Decision<DispatchReason> {
    const oldest = from.first;
    if (!oldest || depth === 0) return IDLE;
    const { running, runningStreams, groups } = place.shareOf(this.mode);
    return this.policy.decide(
      {
        depth,
        oldestReceivedAt: oldest.submission.receivedAt,
        oldestIsStream: oldest.submission.stream,
        running,
        runningStreams,
        groupsInFlight: groups,
        workerRows: place.maxRows,
      },
      now,
    );
  }

  #runningAt(places: readonly Place[]): number {
    return places.reduce((sum, place) => sum + place.shareOf(this.mode).running, 0);
  }
}

/** The departure for the worker that the router picks; one that can be divided fills no worker above the others. */
function routed(able: readonly Departure[]): Departure {
  const place = route(able.map(({ place }) => place));
  const departure = able.find((departure) => departure.place === place)!;
  const { decision, from } = departure;
  if (!decision.isDivisible) return departure;
  const running = able.reduce((sum, { place }) => sum + place.running, 0);
  const level = Math.ceil((running + from.length) / able.length);
  const take = Math.min(decision.take, Math.max(1, level - place.running));
  return { ...departure, decision: { ...decision, take } };
}
