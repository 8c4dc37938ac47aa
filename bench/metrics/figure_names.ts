import type { Slo } from "../plan.ts";
import type { Statistic } from "./bootstrap.ts";
import type { CellSummary, Estimate } from "./cell_summary.ts";

const LATENCIES = ["e2e", "send_to_end", "ttft", "tpot", "itl", "queue", "lateness"] as const;
const OF_A_DISTRIBUTION = ["mean", "p50", "p90", "p95", "p99"] as const;
const RATES = ["req_s", "out_tok_s", "total_tok_s", "goodput", "failed_share"] as const;

type Latency = (typeof LATENCIES)[number];

/** A figure as command lines name it: `ttft_p95`, `req_s`. Latencies are in milliseconds, rates per second. */
export type FigureName = `${Latency}_${(typeof OF_A_DISTRIBUTION)[number]}` | (typeof RATES)[number];

export const FIGURE_NAMES: readonly FigureName[] = [
  ...LATENCIES.flatMap((latency) => OF_A_DISTRIBUTION.map((part) => `${latency}_${part}` as const)),
  ...RATES,
];

/** @throws {StartupError} that lists the names. */
export function parseFigureName(_text: string): FigureName {
  throw new Error("to come");
}

export function figureOf(_summary: CellSummary, _name: FigureName): Estimate {
  throw new Error("to come");
}

export function higherIsBetter(_name: FigureName): boolean {
  throw new Error("to come");
}

export function statisticOf(_name: FigureName, _slo: Slo): Statistic {
  throw new Error("to come");
}

/** @throws {StartupError} that names the part which is wrong. */
export function parseSlo(_text: string): Slo {
  throw new Error("to come");
}
