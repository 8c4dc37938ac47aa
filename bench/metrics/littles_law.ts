import type { LittlesLaw } from "./cell_summary.ts";
import { timeInSystemMs, type Turn } from "./requests.ts";

/**
 * Little's law, L = lambda x W (Little, 1961), as a check of the steady state. Each turn is watched from its first to its
 * last intended instant; what comes after no longer has arrivals. L is the number in the system averaged over that time,
 * lambda the arrivals over it, W the mean time that these took, also where it ended after the window. Over several turns
 * windows, arrivals and times are added up before they are divided, so a longer turn weighs more.
 *
 * L can't see what lies beyond the windows and W can, so the residual is minus that part of all time in the system: about
 * the requests under way at the last send over all requests where the system is steady, far more where a backlog was
 * left. (Over complete turns both sides would be the same sum, and the residual 0 whatever happened.)
 *
 * NaN without a turn whose requests came at different instants. Times are real ones, of failures too.
 */
export function littlesLaw(turns: readonly Turn[]): LittlesLaw {
  let [windowMs, inWindowMs, wholeMs] = [0, 0, 0];
  for (const { requests, firstIntendedAt, lastIntendedAt } of turns) {
    if (lastIntendedAt === firstIntendedAt) continue;
    windowMs += lastIntendedAt - firstIntendedAt;
    for (const request of requests) {
      inWindowMs += Math.min(request.endedAt, lastIntendedAt) - request.intendedAt;
      wholeMs += timeInSystemMs(request);
    }
  }
  const [inSystem, rateTimesTime] = [inWindowMs / windowMs, wholeMs / windowMs];
  return { inSystem, rateTimesTime, residual: inSystem / rateTimesTime - 1 };
}
