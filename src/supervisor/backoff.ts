import type { Millis } from "../core/types.ts";

const FIRST_MS = 500;
const LONGEST_MS = 10_000;
/** A worker that served this long before it ended counts as sound: the next wait is the first again. */
export const SOUND_AFTER_MS = 30_000;

/** How long to wait before the next start, given the wait before the last one and how long that one served. */
export function nextBackoff(previousMs: Millis | undefined, servedMs: Millis): Millis {
  if (previousMs === undefined || servedMs >= SOUND_AFTER_MS) return FIRST_MS;
  return Math.min(previousMs * 2, LONGEST_MS);
}
