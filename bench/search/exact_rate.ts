import type { ScheduledRequest } from "../record/sample.ts";

/**
 * The first n of n + 1 drawn requests, their instants stretched so that the last one's falls on the end of n / `rate`
 * seconds: a trial then offers just the rate it is named after, and the luck of the draw does not blur the border. A
 * Poisson process stays one, given its count: its n instants are then n uniform draws over the time, in order (Ross,
 * "Stochastic Processes", theorem 2.3.1).
 */
export function atExactRate(drawn: readonly ScheduledRequest[], rate: number): readonly ScheduledRequest[] {
  const end = drawn.at(-1);
  const kept = drawn.slice(0, -1);
  if (!end || end.atMs <= 0) return kept;
  const stretch = kept.length / rate * 1000 / end.atMs;
  return kept.map((request) => ({ ...request, atMs: request.atMs * stretch }));
}
