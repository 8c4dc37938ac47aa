import { type Mode, modeOf, type ModeSettings } from "../../../src/core/modes/modes.ts";
import type { ModeLaw } from "../../../src/core/modes/mode.ts";
import type { CoreLimits } from "../../../src/core/events.ts";
import type { Millis } from "../../../src/core/types.ts";
import type { Tracked, TrackedLane, TrackedWorker } from "./tracked.ts";

export function modeLaw(mode: Mode, settings: ModeSettings): ModeLaw {
  return modeOf(mode).law(settings);
}

/** How many requests at the worker count against the limit that holds for this one there, and that limit. */
export function kindOf(
  { submission, lane }: Tracked,
  worker: TrackedWorker,
): { readonly running: number; readonly limit: number } {
  const { running, runningStreams } = worker.shareOf(lane.mode);
  const { maxRunning = worker.mostRows, maxStreams } = lane.law;
  if (maxStreams === undefined) return { running, limit: maxRunning };
  return submission.stream
    ? { running: runningStreams, limit: maxStreams }
    : { running: running - runningStreams, limit: maxRunning };
}

/** The next of this mode may go to the worker, as far as its limits there are concerned. */
export function hasPlace(next: Tracked, worker: TrackedWorker): boolean {
  const { running, limit } = kindOf(next, worker);
  return running < limit && worker.shareOf(next.lane.mode).groups < next.lane.law.maxGroups;
}

/** Of `waiting` requests of this mode a group has to leave now, given a place at the worker. */
export function isDue(
  { mode, law }: TrackedLane,
  { waiting, oldest, worker, now }: { waiting: number; oldest: Tracked; worker: TrackedWorker; now: Millis },
): boolean {
  return waiting >= law.fullAt || oldest.submission.receivedAt + law.windowMs <= now ||
    (law.whenIdle && worker.shareOf(mode).groups === 0);
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
