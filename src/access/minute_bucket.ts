/**
 * A token bucket that holds one minute's worth and refills evenly; pure, time comes in. It counts in units times
 * 60,000, so that what refills in a whole number of milliseconds is a whole number: no rounding adds up.
 */
import type { Millis } from "../core/types.ts";

const MINUTE_MS = 60_000;

export interface MinuteBucket {
  /** Units that are gone and not yet refilled, times 60,000, as of `at`; below 0 counts as 0. */
  readonly spent: number;
  readonly at: Millis;
}

export const FULL_BUCKET: MinuteBucket = { spent: 0, at: 0 };

/** Whole milliseconds until `units` can be taken; 0: now. Never comes true for more than a minute's worth. */
export function waitMs(bucket: MinuteBucket, units: number, perMinute: number, now: Millis): Millis {
  const { spent, at } = refilled(bucket, perMinute, now);
  const missing = spent + units * MINUTE_MS - perMinute * MINUTE_MS;
  return missing <= 0 ? 0 : Math.ceil(missing / perMinute) + Math.ceil(at - now);
}

/** Takes `units`, whether or not they are there. */
export function taken(bucket: MinuteBucket, units: number, perMinute: number, now: Millis): MinuteBucket {
  const { spent, at } = refilled(bucket, perMinute, now);
  return { spent: spent + units * MINUTE_MS, at };
}

/** What was taken and not used; more than a minute's worth the bucket never holds. */
export function givenBack(bucket: MinuteBucket, units: number): MinuteBucket {
  return { ...bucket, spent: bucket.spent - units * MINUTE_MS };
}

/** An instant before the last one counts as the last one. */
function refilled({ spent, at }: MinuteBucket, perMinute: number, now: Millis): MinuteBucket {
  const elapsedMs = Math.max(0, now - at);
  return { spent: Math.max(0, spent - elapsedMs * perMinute), at: Math.max(at, now) };
}
