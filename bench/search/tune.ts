import { StartupError } from "../../src/core/errors.ts";
import type { Millis } from "../../src/core/types.ts";
import { probabilityOfBest } from "../metrics/resampling.ts";
import type { CellSummary } from "../metrics/cell_summary.ts";
import { SLO_LIMITS, statisticOf } from "../metrics/figure_names.ts";
import { meetsSlo } from "../metrics/requests.ts";
import { wilsonInterval } from "../metrics/statistics.ts";
import { summarizeCell } from "../metrics/summary.ts";
import type { Load, RunPlan, Slo, TurnLimits, Variant } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { meanRate } from "../workload/arrivals.ts";
import { randomStream, shuffled } from "../workload/random.ts";
import { type Dropped, halve, type Stage, stageOf, type Standing } from "./halving.ts";
import { lookAt, measureTurn, type SearchLab } from "./turns.ts";

/** What the search asks for. */
export interface Tuning {
  readonly plan: Pick<RunPlan, "requests" | "durationMs" | "slo" | "seed">;
  readonly load: Load;
  readonly constraints: readonly Constraint[];
}

/** A candidate with all that was measured of it. */
export interface Candidate {
  readonly variant: Variant;
  readonly samples: Sample[];
}

/** What the search has found, complete or stopped half-way. */
export interface Tuned {
  /** Candidates that were not dropped, in the order of the grid. */
  finalists: readonly Candidate[];
  readonly dropped: (Dropped & { readonly goodput: CellSummary["goodput"] })[];
  turns: number;
  /** False: it was stopped before the final was over. */
  complete: boolean;
}

const FIRST_TURN_MS: Millis = 6000;
const FIRST_TURN_REQUESTS = 30;
const FIRST_TURN_LATENCIES = 3;
const MOST_FIRST_TURN_MS: Millis = 30_000;

/** Measures the candidates stage by stage, and writes what it finds into `tuned` as it becomes known. */
export async function tune(
  lab: SearchLab,
  tuned: Tuned,
  tuning: Tuning,
  stop: AbortSignal,
): Promise<void> {
  const { plan, load } = tuning;
  const [first] = tuned.finalists;
  if (!first) return;
  const look = await lookAt(lab, first.variant, `${first.variant.name}, a first look`);
  const latencyMs = look?.latencyMs ?? 0;
  const turnMs = firstTurnMs(load, latencyMs);
  let round = 0;
  for (let number = 1;; number++) {
    const stage = stageOf(number, tuned.finalists.map(({ variant }) => variant.name));
    for (let turn = 0; turn < stage.rounds; turn++, round++) {
      const order = shuffled(tuned.finalists, randomStream(plan.seed, "tuning", round));
      const limits = limitsOf(plan, turnMs, stage.turnLength);
      for (const [at, candidate] of order.entries()) {
        const name = `${stageName(stage)}, ${turn * order.length + at + 1}/${stage.rounds * order.length}: ` +
          candidate.variant.name;
        const { variant } = candidate;
        const { samples } = await measureTurn(lab, { variant, load, round, limits, name, latencyMs });
        if (stop.aborted) return;
        for (const sample of samples) candidate.samples.push(sample); // there may be more than a call's arguments
        tuned.turns++;
      }
    }
    if (stage.kind === "final") {
      tuned.complete = true;
      return;
    }
    const standings = tuned.finalists.map((candidate) => standingOf(candidate, tuning));
    const { on, dropped } = halve(number, standings.map(({ standing }) => standing));
    for (const one of dropped) {
      const { summary } = standings.find(({ standing }) => standing.name === one.name) ?? {};
      tuned.dropped.push({ ...one, goodput: summary?.goodput ?? null });
    }
    tuned.finalists = tuned.finalists.filter(({ variant }) => on.includes(variant.name));
  }
}

/** Long enough for 30 requests and three answers one after the other, from 6 to 30 s. */
function firstTurnMs(load: Load, latencyMs: Millis): Millis {
  const rate = load.kind === "open" ? meanRate(load.arrivals) : Infinity;
  const sendingMs = rate > 0 ? FIRST_TURN_REQUESTS / rate * 1000 : FIRST_TURN_MS; // one request alone has no rate
  const neededMs = Math.max(FIRST_TURN_MS, sendingMs, FIRST_TURN_LATENCIES * latencyMs);
  return Math.min(neededMs, MOST_FIRST_TURN_MS);
}

function limitsOf(
  { requests, durationMs }: Tuning["plan"],
  turnMs: Millis,
  turnLength: number,
): TurnLimits {
  if (requests === null && durationMs === null) {
    return { requests: Infinity, durationMs: turnMs * turnLength };
  }
  return {
    requests: requests === null ? Infinity : requests * turnLength,
    durationMs: (durationMs ?? Infinity) * turnLength,
  };
}

function stageName({ kind, stage, candidates }: Stage): string {
  return kind === "final" ? `final of ${candidates.length}` : `stage ${stage} of ${candidates.length}`;
}

/** Judges a candidate by all its turns. */
export function standingOf(
  { variant: { name }, samples }: Candidate,
  { load, plan: { slo }, constraints }: Tuning,
): { readonly standing: Standing; readonly summary: CellSummary; readonly kept: readonly Kept[] } {
  const summary = summarizeCell(samples, load, slo);
  const kept = keptOf(samples, slo, constraints);
  const { value, low, high } = summary.goodput ?? { value: NaN, low: NaN, high: NaN };
  const score = Number.isFinite(value) ? value : 0; // an engine that is gone
  const standing = {
    name,
    score,
    low,
    high,
    holds: samples.length > 0 && kept.every(holds),
    surelyBroken: samples.length === 0 || kept.some(surelyBroken),
    nearness: samples.length === 0 ? 0 : nearness(kept),
  };
  return { standing, summary, kept };
}

/** The probability that the first has the greater goodput, from replicates that are paired where they were measured in turn. */
export function probabilityBetter(one: readonly Sample[], than: readonly Sample[], slo: Slo): number {
  return probabilityOfBest([one, than], statisticOf("goodput", slo), true)[0] ?? NaN;
}

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
  /** Share of the sent requests that kept the limit, with its 95 % interval. */
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

/** Computes how each constraint was kept; a request that had no answer when the turn was cut did not keep it. */
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

/** Returns how near the constraints are to being kept: 1 when all are, else the worst share over what is asked. */
export function nearness(kept: readonly Kept[]): number {
  return Math.min(1, ...kept.map(({ constraint: { percent }, share }) => share * 100 / percent));
}
