import type { Millis } from "../../src/core/types.ts";
import type { CellSummary, FindingKind } from "../metrics/cell_summary.ts";
import { meetsSlo, statesLimits } from "../metrics/requests.ts";
import { summarizeCell } from "../metrics/summary.ts";
import type { Load, Slo } from "../plan.ts";
import type { Sample, ScheduledRequest } from "../record/sample.ts";
import type { Trial } from "./saturation.ts";
import type { Cut } from "./turns.ts";

/** An SLO is kept at a rate while this share of the requests keeps it. */
const KEPT_SHARE = 0.95;

/** One turn at a rate, as it was measured. */
export interface TrialTurn {
  readonly rate: number;
  readonly load: Load;
  readonly samples: readonly Sample[];
  /** Its requests were to come within this time. */
  readonly plannedMs: Millis;
  /** Null: it went to its end. */
  readonly cut: Cut | null;
}

export interface JudgedTrial extends Trial {
  /** Why it was not kept, or that it was: the rest of a sentence. */
  readonly why: string;
  /** Share of the sent requests that kept the SLO; null without one. */
  readonly sloShare: number | null;
  readonly summary: CellSummary;
}

/**
 * A rate is kept when the trial was not cut, its summary finds no growing latency and no errors beyond 1 %, and with an
 * SLO 95 % of the requests keep it. A load generator that was late is to blame when the same requests, counted from the
 * instants at which they were really sent, would have been kept.
 */
export function judgeTrial(turn: TrialTurn, slo: Slo): JudgedTrial {
  const { rate, load, samples, plannedMs, cut } = turn;
  const summary = summarizeCell(samples, load, slo);
  const sloShare = statesLimits(slo) ? shareOf(samples, slo) : null;
  const judged = { rate, sloShare, summary, overloadedRate: null };
  const { why, overloaded } = failingOf(turn, slo, summary);
  if (why === undefined) return { ...judged, outcome: "kept", why: "kept" };
  const late = findingOf(summary, "generator_late");
  if (late !== undefined && wouldBeKept(turn, slo)) return { ...judged, outcome: "generator", why: late };
  const overMs = Math.min(plannedMs, cut?.afterMs ?? Infinity);
  return {
    ...judged,
    outcome: "not_kept",
    overloadedRate: overloaded ? answeredRate(samples, overMs) : null,
    why,
  };
}

function failingOf(
  { samples, cut }: Pick<TrialTurn, "samples" | "cut">,
  slo: Slo,
  summary: CellSummary,
): { readonly why: string | undefined; readonly overloaded: boolean } {
  const overload = cut
    ? `cut after ${(cut.afterMs / 1000).toFixed(1)} s with ${cut.underWay} requests under way`
    : findingOf(summary, "errors") ?? findingOf(summary, "unstable");
  if (overload !== undefined || !statesLimits(slo)) {
    return { why: overload, overloaded: overload !== undefined };
  }
  const share = shareOf(samples, slo);
  const why = `${(share * 100).toFixed(1)} % kept the SLO, ${KEPT_SHARE * 100} % had to`;
  return { why: share < KEPT_SHARE ? why : undefined, overloaded: false };
}

function wouldBeKept({ samples, load, cut }: TrialTurn, slo: Slo): boolean {
  const asSent = samples.map((sample) => ({ ...sample, intendedAt: sample.sentAt }));
  return failingOf({ samples: asSent, cut }, slo, summarizeCell(asSent, load, slo)).why === undefined;
}

function findingOf({ verdict }: CellSummary, kind: FindingKind): string | undefined {
  return verdict.findings.find((finding) => finding.kind === kind)?.text;
}

/** Requests that never came to an end did not keep it. */
function shareOf(samples: readonly Sample[], slo: Slo): number {
  return samples.filter((sample) => meetsSlo(sample, slo)).length / samples.length;
}

/** Successful answers a second over the last two thirds of the time in which requests came, when the engine was full. */
function answeredRate(samples: readonly Sample[], forMs: Millis): number | null {
  const startedAt = samples.reduce((first, { intendedAt }) => Math.min(first, intendedAt), Infinity);
  const [from, until] = [startedAt + forMs / 3, startedAt + forMs];
  const answered = samples.filter(({ outcome, endedAt }) =>
    outcome === "ok" && endedAt > from && endedAt <= until
  );
  return answered.length < LEAST_ANSWERED ? null : answered.length / (until - from) * 1000;
}

/** Fewer give no rate to speak of. */
const LEAST_ANSWERED = 30;

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
