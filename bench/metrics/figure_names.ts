import { StartupError } from "../../src/core/errors.ts";
import type { Slo } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { CellSummary, Distribution, Estimate } from "./cell_summary.ts";
import { isFew, NOTHING } from "./estimate.ts";
import {
  LATENCIES,
  type Latency,
  measuredRequests,
  meetsSlo,
  type Rate,
  RATES,
  statesLimits,
} from "./requests.ts";
import type { Statistic, Weighing } from "./resampling.ts";
import { wilsonInterval } from "./statistics.ts";
import { distributionOf, rateOf, shareOf, valuesOf } from "./weighing.ts";

const LATENCY_NAMES = Object.keys(LATENCIES) as Latency[];
const PARTS = ["mean", "p50", "p90", "p95", "p99"] as const;
const RATE_NAMES = ["req_s", "out_tok_s", "total_tok_s", "goodput"] as const;

/** What an SLO can limit, as command lines name it. */
export const SLO_LIMITS = { ttft: "ttftMs", tpot: "tpotMs", e2e: "e2eMs" } as const;
const MS = { ms: 1, s: 1000 } as const;

type LatencyName = `${Latency}_${(typeof PARTS)[number]}`;

/** A figure as command lines name it: latencies in milliseconds, rates per second, `failed_share` from 0 to 1. */
export type FigureName = LatencyName | (typeof RATE_NAMES)[number] | "failed_share";

export const FIGURE_NAMES: readonly FigureName[] = [
  ...LATENCY_NAMES.flatMap((latency) => PARTS.map((part) => `${latency}_${part}` as const)),
  ...RATE_NAMES,
  "failed_share",
];

/** @throws {StartupError} that lists the names. */
export function parseFigureName(text: string): FigureName {
  const name = FIGURE_NAMES.find((name) => name === text);
  if (name !== undefined) return name;
  throw new StartupError([
    `a figure must be one of ${FIGURE_NAMES.join(", ")}, got "${text}"`,
  ]);
}

/** NaN where the cell doesn't have the figure. */
export function figureOf(summary: CellSummary, name: FigureName): Estimate {
  if (isRate(name)) return summary[RATES[name].key];
  if (name === "goodput") return summary.goodput ?? NOTHING;
  if (name === "failed_share") return failedShare(summary);
  const { latency, part } = partsOf(name);
  return summary[LATENCIES[latency].key][part];
}

export function higherIsBetter(name: FigureName): boolean {
  return RATE_NAMES.some((rate) => rate === name);
}

/** The same figure as a statistic of samples, for `replicates`, `ratioInterval` and `probabilityOfBest`. */
export function statisticOf(name: FigureName, slo: Slo): Statistic {
  const weighing = (requests: readonly Sample[]) => weighingOf(requests, name, slo);
  const ofSamples = (samples: readonly Sample[]) => {
    const requests = measuredRequests(samples);
    return weighing(requests)(new Uint32Array(requests.length).fill(1))[0] ?? NaN;
  };
  return Object.assign(ofSamples, { weighing });
}

function weighingOf(requests: readonly Sample[], name: FigureName, slo: Slo): Weighing {
  if (isRate(name)) return rateOf(requests, RATES[name].of);
  if (name === "goodput") return statesLimits(slo) ? goodputOf(requests, slo) : () => [NaN];
  if (name === "failed_share") return shareOf(requests, ({ outcome }) => outcome === "failed");
  const { latency, part } = partsOf(name);
  const percents = part === "mean" ? [] : [Number(part.slice(1))];
  const weighing = distributionOf(valuesOf(requests, latency), requests.length, percents);
  return (weights) => weighing(weights).slice(percents.length);
}

/** Requests that kept every limit, a second. */
export function goodputOf(requests: readonly Sample[], slo: Slo): Weighing {
  return rateOf(requests, (request) => meetsSlo(request, slo) ? 1 : 0);
}

function isRate(name: FigureName): name is Rate {
  return Object.hasOwn(RATES, name);
}

function partsOf(name: LatencyName): { latency: Latency; part: keyof Distribution } {
  const latency = LATENCY_NAMES.find((latency) => name.startsWith(`${latency}_`));
  const part = PARTS.find((part) => name.endsWith(`_${part}`));
  if (latency === undefined || part === undefined) throw new TypeError(`${name} is no latency`);
  return { latency, part };
}

function failedShare({ failed, requests }: CellSummary): Estimate {
  return {
    value: failed / requests,
    ...wilsonInterval(failed, requests),
    samples: requests,
    few: isFew(requests, 50),
  };
}

/** `ttft=500ms,tpot=50ms,e2e=5s`; empty: no limits. @throws {StartupError} with a line for each part that is wrong. */
export function parseSlo(text: string): Slo {
  const problems: string[] = [];
  const limits: Partial<Record<keyof Slo, number>> = {};
  for (const part of text.split(",").map((part) => part.trim()).filter((part) => part !== "")) {
    const [, name = "", amount = "", unit = ""] = /^([^=]*)=([\d.]*)(.*)$/.exec(part) ?? [];
    const limit = Object.entries(SLO_LIMITS).find(([known]) => known === name)?.[1];
    const unitMs = Object.entries(MS).find(([known]) => known === unit)?.[1];
    const ms = Number(amount) * (unitMs ?? NaN);
    if (limit === undefined) {
      problems.push(`an SLO must limit one of ttft, tpot, e2e, as in ttft=500ms, got "${part}"`);
    } else if (amount === "" || !(ms > 0)) {
      problems.push(`the SLO's ${name} must be a number above 0 with the unit ms or s, got "${part}"`);
    } else if (limits[limit] !== undefined) {
      problems.push(`the SLO must limit ${name} once, got "${part}" after ${limits[limit]}ms`);
    } else limits[limit] = ms;
  }
  if (problems.length > 0) throw new StartupError(problems);
  return limits;
}
