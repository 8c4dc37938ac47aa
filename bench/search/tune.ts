import type { Millis } from "../../src/core/types.ts";
import { probabilityOfBest } from "../metrics/bootstrap.ts";
import type { CellSummary } from "../metrics/cell_summary.ts";
import { statisticOf } from "../metrics/figure_names.ts";
import { summarizeCell } from "../metrics/summary.ts";
import type { Load, RunPlan, Slo, Variant } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { Lab } from "../run/lab.ts";
import type { TurnLimits } from "../run/progress.ts";
import { showTurn } from "../run/progress.ts";
import { meanRate } from "../workload/arrivals.ts";
import { randomStream, shuffled } from "../workload/random.ts";
import { type Constraint, holds, type Kept, keptOf, nearness, surelyBroken } from "./constraints.ts";
import { type Dropped, halve, type Stage, stageOf, type Standing } from "./halving.ts";
import { lookAt } from "./estimate.ts";
import { WatchedTurn } from "./watched_turn.ts";

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
  /** Those that were not dropped, in the order of the grid. */
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
  lab: Pick<Lab, "turn">,
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
        const samples = await oneTurn(lab, candidate.variant, load, { round, limits, name, latencyMs });
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

async function oneTurn(
  lab: Pick<Lab, "turn">,
  variant: Variant,
  load: Load,
  { round, limits, name, latencyMs }: { round: number; limits: TurnLimits; name: string; latencyMs: Millis },
): Promise<readonly Sample[]> {
  using shown = showTurn(name, limits);
  const turn = { variant, load, round, limits };
  if (load.kind === "closed") return await lab.turn({ ...turn, progress: shown });
  using watched = new WatchedTurn(shown, latencyMs);
  return await lab.turn({ ...turn, ...watched.hooks });
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

/** Where a candidate stands, from all its turns. */
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
