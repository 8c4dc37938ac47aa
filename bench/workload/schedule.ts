/** The requests of an open loop with their instants, complete before the first is sent. */
import type { Load, RequestMix } from "../plan.ts";
import type { ScheduledRequest } from "../record/sample.ts";
import { arrivalTimes, type ScheduleLimits } from "./arrivals.ts";
import { RequestSource } from "./requests.ts";
import { replay } from "./trace.ts";

export type { ScheduleLimits };

/**
 * All requests of an open loop's turn, in the order of sending. A trace brings the token counts of its rows; classes,
 * tenants and shared prefixes are the mix's. `wording` as in `requests`.
 * @throws {RangeError} without any limit, {StartupError} when a trace can't be read
 */
export function scheduleOf(
  { arrivals }: Load & { readonly kind: "open" },
  mix: RequestMix,
  limits: ScheduleLimits,
  seed: number,
  wording = "",
): ScheduledRequest[] {
  const source = new RequestSource(mix, seed, wording);
  if (arrivals.kind === "trace") {
    return replay(arrivals, limits).rows.map(({ atMs, ...tokens }) => ({ ...source.next(tokens), atMs }));
  }
  return arrivalTimes(arrivals, limits, seed).map((atMs) => ({ ...source.next(), atMs }));
}
