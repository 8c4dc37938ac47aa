/** The workers that requests can run at: which of them take requests, what runs at each, and which is sent to next. */
import type { Entry, RunningEntry } from "./run.ts";
import type { Millis } from "./time.ts";
import type { Mode, SequenceId, WorkerId, WorkerState } from "./types.ts";

/** What one mode has at one worker. */
export interface Share {
  running: number;
  runningStreams: number;
  /** Groups of which at least one request is at the worker. */
  groups: number;
}

/** What a router may know of a worker. */
export interface WorkerView {
  readonly worker: WorkerId;
  /** Requests at the worker, of all modes. */
  readonly running: number;
}

/** Picks among the workers that can take a group, at least one: the least loaded, of equals the first. Pure. */
export function route<View extends WorkerView>(able: readonly View[]): View {
  return able.reduce((best, view) => view.running < best.running ? view : best);
}

/** One worker as the core sees it. */
export class Place implements WorkerView {
  readonly #shares = new Map<Mode, Share>();
  readonly rows = new Map<SequenceId, RunningEntry>();
  state: WorkerState | "connecting" = "connecting";
  /** Why it takes no requests. */
  detail = "not connected yet";
  /** Requests that the worker runs at once, where it says so. */
  maxRows: number | undefined;
  /** Until when requests wait for it; undefined while it is up, or while nobody has waited for it. */
  giveUpAt: Millis | undefined;
  /** When it last gave something to any row, or showed that its runtime works. */
  progressAt: Millis = 0;
  /** The request that was sent to it last, unless it has settled. */
  lastSent: Entry | undefined;
  /** Requests that were lost one by one since the last sending: suspects, if the worker turns out to be gone. */
  readonly lostSingly = new Set<Entry>();
  /** Requests that were at the worker when the first of those that were lost since the last sending was lost. */
  runningAtLoss = 0;

  constructor(readonly worker: WorkerId) {}

  get running(): number {
    return this.rows.size;
  }

  get isUp(): boolean {
    return this.state === "up";
  }

  /** The connection to it is lost. */
  get isGone(): boolean {
    return this.state === "down";
  }

  shareOf(mode: Mode): Share {
    let share = this.#shares.get(mode);
    if (!share) this.#shares.set(mode, share = { running: 0, runningStreams: 0, groups: 0 });
    return share;
  }

  /** The requests of a group are at the worker from now on. */
  enter(mode: Mode, group: readonly RunningEntry[]): void {
    const share = this.shareOf(mode);
    share.groups++;
    share.running += group.length;
    for (const entry of group) {
      this.rows.set(entry.run.sequence, entry);
      if (entry.submission.stream) share.runningStreams++;
    }
  }

  /** The request is no longer at the worker. */
  leave({ run, mode, submission }: RunningEntry): void {
    const share = this.shareOf(mode);
    this.rows.delete(run.sequence);
    share.running--;
    if (submission.stream) share.runningStreams--;
    if (--run.group.left === 0) share.groups--;
  }
}

/** All workers of the engine. Requests wait as long as one of them may come, and fail when all are given up. */
export class Workers {
  readonly #places: Place[];

  /** `waitMs`: how long requests wait for a worker that was lost, or that has never been there. */
  constructor(workers: readonly WorkerId[], private readonly waitMs: Millis) {
    this.#places = workers.map((worker) => new Place(worker));
  }

  get all(): readonly Place[] {
    return this.#places;
  }

  /** Some worker takes requests. */
  get isAvailable(): boolean {
    return this.#places.some(({ isUp }) => isUp);
  }

  /** Why none takes requests, in the words of the first. */
  get detail(): string {
    return this.#places[0]?.detail ?? "none is known";
  }

  /** Requests at all workers. */
  get running(): number {
    return this.#places.reduce((sum, { running }) => sum + running, 0);
  }

  /** When requests that wait fail; undefined while a worker takes requests, or while it is not clear that none comes. */
  get giveUpAt(): Millis | undefined {
    let last: Millis | undefined = -Infinity;
    for (const { isUp, giveUpAt = Infinity } of this.#places) {
      last = Math.max(last, isUp ? Infinity : giveUpAt);
    }
    return Number.isFinite(last) ? last : undefined;
  }

  /** The worker with this number; one that is new is known from now on. */
  at(worker: WorkerId): Place {
    const known = this.#places.find((place) => place.worker === worker);
    if (known) return known;
    const place = new Place(worker);
    this.#places.push(place);
    return place;
  }

  /** Takes down what is known of a worker; `maxRows` is how many requests one that is up runs at once. */
  update(place: Place, state: WorkerState, detail: string, now: Millis, maxRows?: number): void {
    if (state === "up") place.giveUpAt = undefined;
    else if (place.state === "connecting" && state === "down") place.giveUpAt = now; // there never was one
    else place.giveUpAt ??= now + this.waitMs;
    place.state = state;
    place.detail = detail;
    if (state === "up") place.maxRows = maxRows;
  }

  /** A request waits: those workers that may still connect are waited for from the first on. */
  expect(now: Millis): void {
    for (const place of this.#places) {
      if (place.state === "connecting") place.giveUpAt ??= now + this.waitMs;
    }
  }

  isGivenUp(now: Millis): boolean {
    const { giveUpAt } = this;
    return giveUpAt !== undefined && giveUpAt <= now;
  }
}
