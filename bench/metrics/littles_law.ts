// @ts-types="@types/d3-array"
import { median } from "d3-array";
import type { LittlesLaw } from "./cell_summary.ts";
import { timeInSystemMs, type Turn } from "./requests.ts";

/** Of the time that a turn took to fill: a shorter window is mostly its edges. */
const LEAST_WINDOW = 2;
/** Of a turn's requests: by the median of what these took it has filled. Later ones may have met a backlog. */
const FIRST_SHARE = 0.1;

/**
 * Little's law, L = lambda x W (Little, 1961), as a check of the steady state. Each turn is watched from when it has filled,
 * by the median time that its first tenth took, to its last intended instant. L is the number in the system
 * averaged over that window, lambda the arrivals in it, W the mean time that these took, also where it ended after the
 * window. Over several turns windows, arrivals and times are added up before they are divided, so a longer turn weighs
 * more.
 *
 * What those already there at the window's start still take in it makes up for what its own arrivals take after it, if
 * the system is steady; where a backlog grows the residual is negative. (Over complete turns both sides would be the
 * same sum, and the residual 0 whatever happened.)
 *
 * NaN without a window of twice the time to fill. Times are real ones, of failures too.
 */
export function littlesLaw(turns: readonly Turn[]): LittlesLaw {
  let [windowMs, inWindowMs, wholeMs] = [0, 0, 0];
  for (const { requests, firstIntendedAt, lastIntendedAt } of turns) {
    const first = requests.slice(0, Math.ceil(FIRST_SHARE * requests.length));
    const filledMs = median(first, timeInSystemMs) ?? NaN;
    const start = firstIntendedAt + filledMs;
    if (!(lastIntendedAt - start >= LEAST_WINDOW * filledMs) || lastIntendedAt === start) continue;
    windowMs += lastIntendedAt - start;
    for (const request of requests) {
      const [from, to] = [Math.max(request.intendedAt, start), Math.min(request.endedAt, lastIntendedAt)];
      inWindowMs += Math.max(0, to - from);
      if (request.intendedAt > start) wholeMs += timeInSystemMs(request);
    }
  }
  const [inSystem, rateTimesTime] = [inWindowMs / windowMs, wholeMs / windowMs];
  return { inSystem, rateTimesTime, residual: inSystem / rateTimesTime - 1 };
}
