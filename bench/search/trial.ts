import type { Millis } from "../../src/types.ts";
import type { CellSummary, FindingKind } from "../metrics/cell_summary.ts";
import { meetsSlo, statesLimits } from "../metrics/request.ts";
import type { Slo } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { Trial } from "./saturation.ts";

/** An SLO is kept at a rate while this share of the requests keeps it. */
export const KEPT_SHARE = 0.95;

/** One turn at a rate, as it was measured. */
export interface TrialTurn {
  readonly rate: number;
  readonly samples: readonly Sample[];
  /** Of these samples. */
  readonly summary: Pick<CellSummary, "requests" | "failed" | "verdict">;
  /** Its requests were to come within this time. */
  readonly plannedMs: Millis;
  /** How many requests were under way when it was cut short; null when it was not. */
  readonly cut: { readonly afterMs: Millis; readonly underWay: number } | null;
}

export interface JudgedTrial extends Trial {
  /** Why it was not kept, or that it was: the rest of a sentence. */
  readonly why: string;
  /** Of the requests that were sent; null without an SLO. */
  readonly sloShare: number | null;
}

/**
 * A rate is kept when the trial was not cut, its summary finds no growing latency and no errors beyond 1 %, and with an
 * SLO 95 % of the requests keep it. A generator that was late excuses an engine that did not keep up, and spoils no trial
 * that was kept.
 */
export function judgeTrial({ rate, samples, summary, plannedMs, cut }: TrialTurn, slo: Slo): JudgedTrial {
  const sloShare = statesLimits(slo) ? shareOf(samples, slo) : null;
  const found = (kind: FindingKind) =>
    summary.verdict.findings.find((finding) => finding.kind === kind)?.text;
  const overloaded = cut
    ? `cut after ${(cut.afterMs / 1000).toFixed(1)} s with ${cut.underWay} requests under way`
    : found("errors") ?? found("unstable");
  const why = overloaded ??
    (sloShare !== null && sloShare < KEPT_SHARE
      ? `${(sloShare * 100).toFixed(1)} % kept the SLO, ${KEPT_SHARE * 100} % had to`
      : undefined);
  if (why === undefined) return { rate, outcome: "kept", overloadedRate: null, why: "kept", sloShare };
  const late = found("generator_late");
  if (late !== undefined) return { rate, outcome: "generator", overloadedRate: null, why: late, sloShare };
  const overloadedRate = overloaded === undefined
    ? null
    : answeredRate(samples, Math.min(plannedMs, cut?.afterMs ?? Infinity));
  return { rate, outcome: "not_kept", overloadedRate, why, sloShare };
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
