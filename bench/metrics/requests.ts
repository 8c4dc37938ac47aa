import type { Millis } from "../../src/core/types.ts";
import type { Sample } from "../record/sample.ts";

/**
 * The requests of a cell that figures are computed from: measured and ended, well or badly. Round after round, and in
 * each by intended instant, so that neighbours met the same queue; whatever order the recording has.
 */
export function measuredRequests(samples: readonly Sample[]): Sample[] {
  return samples
    .filter(({ phase, outcome }) => phase === "measured" && outcome !== "interrupted")
    .sort((a, b) =>
      a.round - b.round || a.intendedAt - b.intendedAt || a.index - b.index || a.endedAt - b.endedAt
    );
}

/** A cell's turn in one round; never empty. */
export interface Turn {
  readonly round: number;
  /** By intended instant. */
  readonly requests: readonly Sample[];
  readonly firstIntendedAt: Millis;
  readonly lastIntendedAt: Millis;
  /** First intended instant to last end. */
  readonly measuredMs: Millis;
}

/** @param requests as `measuredRequests` orders them. */
export function turnsOf(requests: readonly Sample[]): Turn[] {
  const turns: Turn[] = [];
  for (let start = 0, end; start < requests.length; start = end) {
    const round = requests[start]?.round ?? NaN;
    for (end = start; requests[end]?.round === round;) end++;
    turns.push(turnOf(round, requests.slice(start, end)));
  }
  return turns;
}

function turnOf(round: number, requests: readonly Sample[]): Turn {
  const firstIntendedAt = requests[0]?.intendedAt ?? NaN;
  const lastIntendedAt = requests.at(-1)?.intendedAt ?? NaN;
  const lastEnd = requests.reduce((last, { endedAt }) => Math.max(last, endedAt), -Infinity);
  return { round, requests, firstIntendedAt, lastIntendedAt, measuredMs: lastEnd - firstIntendedAt };
}

/** Time really spent in the system, which failures end too: what the laws of queues count, unlike percentiles. */
export function timeInSystemMs({ intendedAt, endedAt }: Sample): Millis {
  return endedAt - intendedAt;
}
