/** Published figures, and how far measured ones are from them. */
import { borderedTable, type Column } from "../../src/cli/table.ts";
import type { CellSummary, RunSummary } from "../metrics/cell_summary.ts";
import { percentile } from "../metrics/percentile.ts";
import type { RunPlan } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { nameOfVariant } from "../workload/names.ts";

export interface Publication {
  /** The subject of sentences about it. */
  readonly title: string;
  /** What its requests are made of, as sentences end with it. */
  readonly requests: string;
  /** The profile of the simulated worker that was fitted to it. */
  readonly profile: string;
  /** Workload files in this folder that measure the rows; the quick one is for a first look. */
  readonly workload: string;
  readonly quickWorkload: string;
  /** The worker's time to first token of a request that runs alone. */
  readonly aloneTtftMs: number;
  readonly rows: readonly PublishedRow[];
}

export interface PublishedRow {
  /** Requests that run at once, the gate of continuous mode; more wait. */
  readonly atOnce: number;
  /** The names of the loads in the workload file and in the quick one. Null: it takes too long for a first look. */
  readonly load: string;
  readonly quickLoad: string | null;
  /** Prompt and output tokens. */
  readonly tokensPerSecond: number;
  readonly tpotP50Ms: number;
}

function row(
  atOnce: number,
  load: string,
  quickLoad: string | null,
  tokensPerSecond: number,
  tpotP50Ms: number,
) {
  return { atOnce, load, quickLoad, tokensPerSecond, tpotP50Ms };
}

/** Published figures of one A40 with 48 GB; the profile of the simulated worker is made of them. */
const A40: Publication = {
  title: "Qwen3-32B-AWQ on vLLM on one A40 (48 GB)",
  requests: "13 prompt and 150 output tokens",
  profile: "a40",
  workload: "a40.yaml",
  quickWorkload: "a40_quick.yaml",
  aloneTtftMs: 47,
  rows: [
    row(1, "32 clients", "1 client", 32.9, 33.0),
    row(2, "32 clients", "2 clients", 65.0, 33.1),
    row(4, "32 clients", "4 clients", 128.9, 33.3),
    row(8, "32 clients", "8 clients", 250.6, 34.0),
    row(16, "32 clients", "16 clients", 467.5, 36.0),
    row(32, "32 clients", "32 clients", 859.9, 38.2),
    row(32, "256 clients", "64 clients", 860.2, 38.7),
    row(64, "256 clients", "64 clients", 1170.4, 55.3),
    row(128, "256 clients", "128 clients", 1258.6, 103.7),
    row(256, "256 clients", null, 1260.2, 103.8),
  ],
};

export const PUBLICATIONS: Readonly<Record<string, Publication>> = { a40: A40 };

/** How far a figure may be from the published one. */
const TOLERANCE_PERCENT = 3;

export interface ComparedFigure {
  readonly name: string;
  readonly published: number;
  /** NaN: it was not measured. */
  readonly measured: number;
  readonly offPercent: number;
  /** Further off than the tolerance, or not measured. */
  readonly isMissed: boolean;
}

export interface ComparedRow {
  readonly row: PublishedRow;
  /** The load that was measured. */
  readonly load: string;
  readonly tokenRate: ComparedFigure;
  readonly tpot: ComparedFigure;
}

export interface Reproduction {
  readonly rows: readonly ComparedRow[];
  readonly alone: ComparedFigure;
  readonly isMissed: boolean;
}

/** Looks each published row up among the cells of the run. */
export function compareWith(
  { rows, aloneTtftMs }: Publication,
  { cells }: Pick<RunSummary, "cells">,
  samples: readonly Sample[],
  quick: boolean,
): Reproduction {
  const compared = rows.flatMap((row): ComparedRow[] => {
    const load = quick ? row.quickLoad : row.load;
    if (load === null) return [];
    const cell = allAnswered(cells.find((cell) => cell.variant === variantOf(row) && cell.load === load));
    const who = `${row.atOnce} at once, ${load}`;
    const tokenRate = figure(`tok/s, ${who}`, row.tokensPerSecond, cell?.totalTokenRate.value);
    return [{
      row,
      load,
      tokenRate,
      tpot: figure(`TPOT p50, ${who}`, row.tpotP50Ms, cell?.tpotMs.p50.value),
    }];
  });
  const first = rows.find(({ atOnce }) => atOnce === 1);
  const ttftsMs = samples
    .filter(({ phase, outcome, variant }) =>
      phase === "measured" && outcome === "ok" && first && variant === variantOf(first)
    )
    .map(({ workerTtftMs }) => workerTtftMs)
    .sort((a, b) => a - b);
  const alone = figure("TTFT of one request alone", aloneTtftMs, percentile(ttftsMs, 50));
  const isMissed = alone.isMissed ||
    compared.some(({ tokenRate, tpot }) => tokenRate.isMissed || tpot.isMissed);
  return { rows: compared, alone, isMissed };
}

function variantOf({ atOnce }: PublishedRow): string {
  return nameOfVariant({ mode: "continuous", settings: { MAX_CONCURRENT_STREAMS: atOnce } });
}

/** Where requests failed, other requests ran than the published ones. */
function allAnswered(cell: CellSummary | undefined): CellSummary | undefined {
  return cell?.failed === 0 ? cell : undefined;
}

function figure(name: string, published: number, measured = NaN): ComparedFigure {
  const offPercent = 100 * (measured / published - 1);
  return { name, published, measured, offPercent, isMissed: !(Math.abs(offPercent) <= TOLERANCE_PERCENT) };
}

const COLUMNS: readonly Column[] = [
  { head: "at once", align: "right" },
  { head: "requests" },
  ...["tok/s publ.", "measured", "off", "TPOT p50 ms publ.", "measured", "off"]
    .map((head) => ({ head, align: "right" as const })),
];

/** Published beside measured, a line for each row, and what was missed. */
export function reproductionText(
  { title, requests: what }: Publication,
  { rows, alone }: Reproduction,
  { loads }: Pick<RunPlan, "loads">,
  quick: boolean,
): string {
  const table = borderedTable(
    COLUMNS,
    rows.map(({ row, load, tokenRate, tpot }) => {
      const clients = loads.find(({ name }) => name === load);
      const requests = clients?.kind === "closed" ? `${clients.requests} of ${load}` : load;
      return [String(row.atOnce), requests, ...textsOf(tokenRate), ...textsOf(tpot)];
    }),
  );
  const figures = [alone, ...rows.flatMap(({ tokenRate, tpot }) => [tokenRate, tpot])];
  const missed = figures.filter(({ isMissed }) => isMissed);
  return [
    `${title}, published, and the simulated worker with its profile, measured: ${what}.`,
    table,
    `${alone.name} at the worker, p50: published ${alone.published} ms, measured ${
      textsOf(alone).slice(1).join(", ")
    }.`,
    missed.length === 0
      ? `All ${figures.length} figures are within ${TOLERANCE_PERCENT} %.`
      : `More than ${TOLERANCE_PERCENT} % off: ${missed.map(({ name }) => name).join("; ")}.`,
    ...(quick ? [ROUGH] : []),
  ].join("\n");
}

const ROUGH =
  "Rough: --quick lets each group run once or twice, so hardly anything between groups counts, and leaves out " +
  "what takes long.";

function textsOf({ published, measured, offPercent }: ComparedFigure): [string, string, string] {
  if (Number.isNaN(measured)) return [published.toFixed(1), "-", "-"];
  const sign = offPercent < 0 ? "" : "+";
  return [published.toFixed(1), measured.toFixed(1), `${sign}${offPercent.toFixed(1)} %`];
}
