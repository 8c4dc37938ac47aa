import { now } from "../clock.ts";
import type { Answer, Millis } from "../types.ts";

/** Now, as the moment at which an answer leaves: the clocks of two threads differ by a little. */
export function leavesAt({ phases }: Answer): Millis {
  return Math.max(now(), phases.lastTokenAt);
}
