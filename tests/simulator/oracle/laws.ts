import type { SchedulerSettings } from "../../../src/config/config.ts";
import type { DispatchReason, Millis, Mode, WorkerState } from "../../../src/core/types.ts";
import type { CoreLimits } from "../../../src/core/events.ts";
import type { Tracked } from "./tracked.ts";

/** What a mode promises, as numbers. */
export interface ModeLaw {
  /**
   * Requests at the worker at once; where streams have a limit of their own, the others alone. Undefined: by what the
   * worker says that it runs.
   */
  readonly maxRunning: number | undefined;
  /** Streams at the worker at once, where they have a limit of their own. */
  readonly maxStreams?: number;
  readonly maxGroup: number;
  /** Groups at the worker at once. */
  readonly maxGroups: number;
  /** So many that wait leave at once when there is a place. */
  readonly fullAt: number;
  /** Fewer leave when the first of them has waited this long. */
  readonly windowMs: Millis;
  /** Fewer leave at once when nothing is at the worker. */
  readonly whenIdle: boolean;
  /** Why its groups may leave. */
  readonly reasons: readonly DispatchReason[];
}

export type ModeSettings = Pick<
  SchedulerSettings,
  | "ENGINE_MODE"
  | "QUEUED_CONCURRENCY"
  | "MAX_CONCURRENT_STREAMS"
  | "BATCH_WINDOW_MS"
  | "MAX_BATCH_SIZE"
  | "BATCHES_IN_FLIGHT"
  | "BATCH_WHEN_IDLE"
>;

/** The law of each mode, written down from the documentation and not from the policies. */
export function modeLaw(mode: Mode, settings: ModeSettings): ModeLaw {
  const unlimited = { maxGroup: Infinity, maxGroups: Infinity, fullAt: 1, windowMs: 0, whenIdle: false };
  const streams = settings.MAX_CONCURRENT_STREAMS || undefined;
  switch (mode) {
    case "direct":
      return { ...unlimited, maxRunning: streams, maxGroup: 1, reasons: ["direct"] };
    case "queued":
      return {
        ...unlimited,
        maxRunning: settings.QUEUED_CONCURRENCY,
        ...(settings.MAX_CONCURRENT_STREAMS > 0 && { maxStreams: settings.MAX_CONCURRENT_STREAMS }),
        maxGroup: 1,
        reasons: ["slot"],
      };
    case "continuous":
      return { ...unlimited, maxRunning: streams, reasons: ["gate"] };
    case "micro_batch":
      return {
        maxRunning: Infinity,
        maxGroup: settings.MAX_BATCH_SIZE,
        maxGroups: settings.BATCHES_IN_FLIGHT,
        fullAt: settings.MAX_BATCH_SIZE,
        windowMs: settings.BATCH_WINDOW_MS,
        whenIdle: settings.BATCH_WHEN_IDLE,
        reasons: settings.BATCH_WHEN_IDLE ? ["full", "window", "idle"] : ["full", "window"],
      };
  }
}

/** How many requests at the worker count against the limit that holds for this one, and that limit. */
export function kindOf(
  { submission, lane }: Tracked,
  { atWorkerMost }: Patience,
): { readonly running: number; readonly limit: number } {
  const { running, runningStreams, law: { maxRunning = atWorkerMost, maxStreams } } = lane;
  if (maxStreams === undefined) return { running, limit: maxRunning };
  return submission.stream
    ? { running: runningStreams, limit: maxStreams }
    : { running: running - runningStreams, limit: maxRunning };
}

/** An estimate is off by about this much. */
const ESTIMATE_MARGIN = 1.2;

/** A deadline is out of reach after such a wait, by what the answers of the request's own mode took. */
export function tooLate(
  { refuseLate }: CoreLimits,
  { submission: { deadline, maxTokens }, lane }: Tracked,
  waitMs: Millis,
  now: Millis,
): boolean {
  const serviceMs = lane.serviceTime.estimateMs(maxTokens, now);
  if (!refuseLate || deadline === undefined || serviceMs === undefined) return false;
  return (waitMs + serviceMs) * ESTIMATE_MARGIN > deadline - now;
}

/** Until when those that wait have to be patient with a worker that takes nothing. */
export class Patience {
  state: WorkerState | "unknown" = "unknown";
  giveUpAt: Millis | undefined;
  /** Requests that go to the worker where the settings name no limit: a quarter more than it runs at once. */
  atWorkerMost = Infinity;

  constructor(private readonly waitMs: Millis) {}

  told(state: WorkerState, maxRows: number | undefined, now: Millis): void {
    if (state === "up") {
      this.atWorkerMost = Math.ceil(1.25 * (maxRows ?? Infinity));
      this.giveUpAt = undefined;
    } else if (state === "down" && this.state === "unknown") this.giveUpAt = now;
    else this.giveUpAt ??= now + this.waitMs;
    this.state = state;
  }

  wanted(now: Millis): void {
    if (this.state === "unknown") this.giveUpAt ??= now + this.waitMs;
  }
}
