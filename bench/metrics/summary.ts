// @ts-types="@types/d3-array"
import { groups } from "d3-array";
import type { Load, RunPlan, Slo } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { CellSummary, RunSummary } from "./cell_summary.ts";
import { distributionEstimate, estimateOf } from "./estimate.ts";
import { goodputOf } from "./figure_names.ts";
import { batchFigures, phasesOf } from "./ledger.ts";
import {
  type Latency,
  measuredRequests,
  type Rate,
  RATES,
  statesLimits,
  type Turn,
  turnsOf,
} from "./requests.ts";
import { littlesLaw } from "./steady_state.ts";
import { verdictOf } from "./verdict.ts";
import { rateOf, valuesOf } from "./weighing.ts";

/**
 * Every cell of a run, load by load, under each the variants in the plan's order.
 * @throws {TypeError} for a sample whose load the plan does not have.
 */
export function summarizeRun(
  samples: readonly Sample[],
  { variants, loads, slo }: Pick<RunPlan, "variants" | "loads" | "slo">,
): RunSummary {
  const measured = samples.filter(({ phase }) => phase === "measured");
  const cells = groups(measured, ({ variant, load }) => JSON.stringify([variant, load]));
  return {
    schema: 1,
    cells: cells
      .map(([, ofCell]) => {
        const { variant, load: name } = ofCell[0]!;
        const load = loads.find((load) => load.name === name);
        if (!load) throw new TypeError(`the plan has no load "${name}", which samples name`);
        return { ofCell, load, at: variants.findIndex((known) => known.name === variant) };
      })
      .sort((a, b) => loads.indexOf(a.load) - loads.indexOf(b.load) || a.at - b.at)
      .map(({ ofCell, load }) => summarizeCell(ofCell, load, slo)),
  };
}

/** The figures of one cell from its samples alone; the same samples give the same figures, in whatever order they are. */
export function summarizeCell(samples: readonly Sample[], load: Load, slo: Slo): CellSummary {
  const requests = measuredRequests(samples);
  const turns = turnsOf(requests);
  const distribution = (latency: Latency) => distributionEstimate(requests, valuesOf(requests, latency));
  const rate = (name: Rate) => estimateOf(requests, rateOf(requests, RATES[name].of));
  const failed = requests.filter(({ outcome }) => outcome === "failed").length;
  const interrupted = samples.filter(({ phase, outcome }) =>
    phase === "measured" && outcome === "interrupted"
  );
  const figures = {
    variant: samples[0]?.variant ?? "",
    load: load.name,
    requests: requests.length,
    failed,
    interrupted: interrupted.length,
    seconds: turns.reduce((sum, { measuredMs }) => sum + measuredMs, 0) / 1000,
    offeredRate: load.kind === "open" ? offeredRate(turns) : NaN,
    requestRate: rate("req_s"),
    outputTokenRate: rate("out_tok_s"),
    totalTokenRate: rate("total_tok_s"),
    goodput: statesLimits(slo) ? estimateOf(requests, goodputOf(requests, slo)) : null,
    e2eMs: distribution("e2e"),
    sendToEndMs: distribution("send_to_end"),
    ttftMs: distribution("ttft"),
    tpotMs: distribution("tpot"),
    itlMs: distribution("itl"),
    queueWaitMs: distribution("queue"),
    latenessMs: distribution("lateness"),
    batches: batchFigures(requests),
    phases: phasesOf(requests),
    littlesLaw: littlesLaw(turns),
  };
  return { ...figures, verdict: verdictOf(turns, load, figures) };
}

/** Requests after the first instant over their time, for what came at that one had no gap; NaN where all came then. */
function offeredRate(turns: readonly Turn[]): number {
  const later = turns.reduce((sum, { requests, firstIntendedAt }) => {
    return sum + requests.filter(({ intendedAt }) => intendedAt > firstIntendedAt).length;
  }, 0);
  const windowMs = turns.reduce((sum, turn) => sum + turn.lastIntendedAt - turn.firstIntendedAt, 0);
  return windowMs === 0 ? NaN : 1000 * later / windowMs;
}

const NO_NUMBERS = ["NaN", "Infinity", "-Infinity"];

/** Content of summary.json and its like: NaN and the infinities are strings. */
export function toJson(figures: object): string {
  const withNames = (_key: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? `${value}` : value;
  return JSON.stringify(figures, withNames, 2) + "\n";
}

/** @throws {SyntaxError} for what is no JSON, {TypeError} for a summary of another schema. */
export function fromJson(text: string): RunSummary {
  const summary = JSON.parse(text, (key, value) => {
    return typeof value === "string" && NO_NUMBERS.includes(value) && !NAMES.has(key) ? Number(value) : value;
  });
  if (summary?.schema !== 1) throw new TypeError(`summary.json must have schema 1, got ${summary?.schema}`);
  return summary;
}

/** What stays text even if someone calls it "NaN". */
const NAMES = new Set(["variant", "load", "kind", "text"]);
