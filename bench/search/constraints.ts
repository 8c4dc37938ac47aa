import { StartupError } from "../../src/core/errors.ts";
import type { Millis } from "../../src/core/types.ts";
import { SLO_LIMITS } from "../metrics/figure_names.ts";
import { wilsonInterval } from "../metrics/share.ts";
import { meetsSlo } from "../metrics/request.ts";
import type { Slo } from "../plan.ts";
import type { Sample } from "../record/sample.ts";

type Latency = keyof typeof SLO_LIMITS;

/** `ttft_p95=500ms`: so many per cent of the requests must keep the limit that the SLO states for each of them. */
export interface Constraint {
  readonly latency: Latency;
  readonly percent: number;
}

/** A constraint against what was measured. */
export interface Kept {
  readonly constraint: Constraint;
  readonly limitMs: Millis;
  /** Of the requests that were sent, with its 95 % interval. */
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Splits `ttft_p95=500ms,e2e=5s` into an SLO's text without percentiles and what is asked of all requests together.
 * @throws {StartupError} for a percentile that is none of 1 to 99
 */
export function splitConstraints(text: string): { readonly slo: string; readonly constraints: Constraint[] } {
  const constraints: Constraint[] = [];
  const problems: string[] = [];
  const parts = text.split(",").map((part) => {
    const [, latency = "", digits = "", limit = ""] = /^\s*(ttft|tpot|e2e)_p([^=]*)(=.*)$/.exec(part) ?? [];
    if (latency === "") return part;
    const percent = Number(digits);
    if (!/^\d{1,2}$/.test(digits) || percent < 1) {
      problems.push(
        `a percentile of --slo must be a whole number from 1 to 99, as in ttft_p95, got "${part}"`,
      );
    }
    constraints.push({ latency: latency as Latency, percent });
    return latency + limit;
  });
  if (problems.length > 0) throw new StartupError(problems);
  return { slo: parts.join(","), constraints };
}

/** How each constraint was kept; a request that had no answer when the turn was cut did not keep it. */
export function keptOf(samples: readonly Sample[], slo: Slo, constraints: readonly Constraint[]): Kept[] {
  return constraints.map((constraint) => {
    const limit = SLO_LIMITS[constraint.latency];
    const limitMs = slo[limit] ?? Infinity;
    const kept = samples.filter((sample) => meetsSlo(sample, { [limit]: limitMs })).length;
    const share = samples.length === 0 ? 0 : kept / samples.length;
    return { constraint, limitMs, share, ...wilsonInterval(kept, samples.length) };
  });
}

export function holds({ constraint: { percent }, share }: Kept): boolean {
  return share * 100 >= percent;
}

/** Even the upper end of the share's interval is below what is asked. */
export function surelyBroken({ constraint: { percent }, high }: Kept): boolean {
  return high * 100 < percent;
}

/** How near the constraints are to being kept: 1 when all are, else the worst share over what is asked. */
export function nearness(kept: readonly Kept[]): number {
  return Math.min(1, ...kept.map(({ constraint: { percent }, share }) => share * 100 / percent));
}
