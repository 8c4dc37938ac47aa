import type { Millis } from "../../src/core/types.ts";
import { statesLimits } from "../metrics/requests.ts";
import type { Load, RunPlan, Variant } from "../plan.ts";
import type { Lab } from "../run/lab.ts";
import { nextStep, type Saturation } from "./saturation.ts";
import { atExactRate, type JudgedTrial, judgeTrial } from "./trial.ts";
import { lookAt, measureTurn } from "./turns.ts";

/** What the search has found of one variant, complete or stopped half-way. */
export interface VariantSaturation {
  readonly variant: Variant;
  readonly trials: JudgedTrial[];
  /** Null: the search was stopped, or the engine ended, before it was over. */
  answer: Saturation | null;
}

/** What a trial takes from the plan. */
export type TrialPlan = Pick<RunPlan, "requests" | "durationMs" | "slo">;

const LEAST_TRIAL_MS: Millis = 15_000;
const MOST_TRIAL_MS: Millis = 60_000;
/** With fewer requests a trial can only distinguish rates that differ by more than 10 %. */
const TRIAL_REQUESTS = 400;
const TRIAL_LATENCIES = 5;
/** An overloaded trial says at once about how much the engine can do; a limit of latency lies further down. */
const START_SHARE = 1.2;
const START_SHARE_WITH_SLO = 0.6;

/** Runs the trials that `nextStep` asks for, and writes what they show into `found` as it becomes known. */
export async function saturate(
  lab: Pick<Lab, "turn" | "isGone">,
  found: VariantSaturation,
  plan: TrialPlan,
  loadOf: (rate: number) => Load,
  stop: AbortSignal,
): Promise<void> {
  const { variant, trials } = found;
  const look = await lookAt(lab, variant, `${variant.name}, a first look`);
  if (look === null || stop.aborted) return;
  const startRate = look.rate * (statesLimits(plan.slo) ? START_SHARE_WITH_SLO : START_SHARE);
  const latenciesMs = [look.latencyMs];
  for (let round = 0; !stop.aborted; round++) {
    const step = nextStep(trials, { startRate });
    if (step.kind === "done") {
      found.answer = step.answer;
      return;
    }
    const { rate, purpose } = step;
    const load = trialLoad(loadOf(rate), trials);
    const latencyMs = Math.max(...latenciesMs);
    const requests = trialRequests(rate, plan, latencyMs);
    const { samples, cut } = await measureTurn(lab, {
      ...{ variant, load, latencyMs },
      round, // each trial has requests and instants of its own
      name: `${variant.name}, trial ${trials.length + 1} (${purpose}): ${load.name}`,
      limits: { requests: requests + 1, durationMs: Infinity }, // the last one only marks the end
      reshape: (drawn) => atExactRate(drawn, rate),
    });
    if (stop.aborted || samples.length === 0 || lab.isGone(variant)) return; // nothing can be concluded from such a trial
    const judged = judgeTrial({ rate, load, samples, plannedMs: requests / rate * 1000, cut }, plan.slo);
    if (judged.outcome === "kept") latenciesMs.push(1.5 * judged.summary.e2eMs.p50.value);
    // Near its limit an engine with much room answers far later than at the first look, and fills for as long.
    const couldBeLonger = trialRequests(rate, plan, Math.max(...latenciesMs)) > 1.1 * requests;
    trials.push(isTooShort(judged) && couldBeLonger ? { ...judged, outcome: "too_short" } : judged);
  }
}

/** Adds the trial's number to the load's name where the rate was tried before, so that each trial is its own cell. */
function trialLoad(load: Load, trials: readonly JudgedTrial[]): Load {
  const again = trials.some(({ summary }) => summary.load === load.name);
  return again ? { ...load, name: `${load.name}, trial ${trials.length + 1}` } : load;
}

/** What was kept while the engine still filled may be beyond what it keeps for long. */
function isTooShort({ outcome, summary }: JudgedTrial): boolean {
  return outcome === "kept" && summary.verdict.findings.some(({ kind }) => kind === "too_short");
}

/**
 * As asked for; else 15 s, and up to 60 s where fewer than 400 requests or less than five times an answer's time would
 * fit into that.
 */
export function trialRequests(rate: number, { requests, durationMs }: TrialPlan, latencyMs: Millis): number {
  if (requests !== null || durationMs !== null) {
    return Math.max(1, Math.round(Math.min(requests ?? Infinity, rate * (durationMs ?? Infinity) / 1000)));
  }
  const neededMs = Math.max(LEAST_TRIAL_MS, TRIAL_REQUESTS / rate * 1000, TRIAL_LATENCIES * latencyMs);
  return Math.max(1, Math.round(rate * Math.min(neededMs, MOST_TRIAL_MS) / 1000));
}
