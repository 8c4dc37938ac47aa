/** Published figures, and how far measured ones are from them. */
import type { CellSummary, RunSummary } from "../metrics/cell_summary.ts";
import { percentile } from "../../src/percentile.ts";
import { cellsOf, type Load, type RunPlan, type Variant } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { type Column, tableOf, tableText } from "../report/table.ts";

export interface Publication {
  /** The subject of sentences about it. */
  readonly title: string;
  /** What its requests are made of. */
  readonly requests: string;
  /** The profile of the simulated worker that was fitted to it. */
  readonly profile: string;
  /** The workload file in this folder whose cells are the rows, in their order. */
  readonly workload: string;
  /** Another one for a first look, with the same rows or the first of them. */
  readonly quickWorkload: string;
  /** The worker's time to first token of a request that runs alone, as in the first row. */
  readonly aloneTtftMs: number;
  readonly rows: readonly PublishedRow[];
}

/** Tokens are those of prompts and answers. */
export type PublishedRow = readonly [tokensPerSecond: number, tpotP50Ms: number];

/** Published figures of one A40 with 48 GB; the profile of the simulated worker is made of them. */
const A40: Publication = {
  title: "Qwen3-32B-AWQ on vLLM on one A40 (48 GB)",
  requests: "13 prompt and 150 output tokens",
  profile: "a40",
  workload: "a40.yaml",
  quickWorkload: "a40_quick.yaml",
  aloneTtftMs: 47,
  rows: [
    [32.9, 33.0], // 1 at once, of 32 requests
    [65.0, 33.1], // 2
    [128.9, 33.3], // 4
    [250.6, 34.0], // 8
    [467.5, 36.0], // 16
    [859.9, 38.2], // 32
    [860.2, 38.7], // 32 at once, of 512 requests
    [1170.4, 55.3], // 64
    [1258.6, 103.7], // 128
    [1260.2, 103.8], // 256
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

interface ReproducedRow {
  readonly variant: Variant;
  readonly load: Load;
  readonly tokenRate: ComparedFigure;
  readonly tpot: ComparedFigure;
}

export interface Reproduction {
  readonly rows: readonly ReproducedRow[];
  readonly alone: ComparedFigure;
  readonly missed: readonly ComparedFigure[];
}

/** Looks the cells of the plan up in the summary, each beside the published row of its place. */
export function compareWith(
  { rows: published, aloneTtftMs }: Publication,
  plan: RunPlan,
  { cells }: Pick<RunSummary, "cells">,
  samples: readonly Sample[],
): Reproduction {
  const rows = cellsOf(plan).map(({ variant, load }, at) => {
    const cell = allAnswered(cells.find((cell) => cell.variant === variant.name && cell.load === load.name));
    const who = `${atOnce(variant)} at once, ${load.name}`;
    const [tokensPerSecond = NaN, tpotP50Ms = NaN] = published[at] ?? [];
    const tokenRate = figure(`tok/s, ${who}`, tokensPerSecond, cell?.totalTokenRate.value);
    return { variant, load, tokenRate, tpot: figure(`TPOT p50, ${who}`, tpotP50Ms, cell?.tpotMs.p50.value) };
  });
  const ttftsMs = samples
    .filter(({ phase, outcome, variant }) =>
      phase === "measured" && outcome === "ok" && variant === rows[0]?.variant.name
    )
    .map(({ workerTtftMs }) => workerTtftMs)
    .sort((a, b) => a - b);
  const alone = figure("TTFT of one request alone", aloneTtftMs, percentile(ttftsMs, 50));
  const all = [alone, ...rows.flatMap(({ tokenRate, tpot }) => [tokenRate, tpot])];
  return { rows, alone, missed: all.filter(({ isMissed }) => isMissed) };
}

function atOnce({ settings }: Variant): string {
  return String(settings.MAX_CONCURRENT_STREAMS);
}

/** Where requests failed, other requests ran than the published ones. */
function allAnswered(cell: CellSummary | undefined): CellSummary | undefined {
  return cell?.failed === 0 ? cell : undefined;
}

function figure(name: string, published: number, measured = NaN): ComparedFigure {
  const offPercent = 100 * (measured / published - 1);
  return { name, published, measured, offPercent, isMissed: !(Math.abs(offPercent) <= TOLERANCE_PERCENT) };
}

const COLUMNS: readonly Column<ReproducedRow>[] = [
  { head: "at once", text: ({ variant }) => atOnce(variant) },
  {
    head: "requests",
    kind: "name",
    text: ({ load }) => load.kind === "closed" ? `${load.requests} of ${load.name}` : load.name,
  },
  ...figureColumns("tok/s publ.", ({ tokenRate }) => tokenRate),
  ...figureColumns("TPOT p50 ms publ.", ({ tpot }) => tpot),
];

function figureColumns(head: string, of: (row: ReproducedRow) => ComparedFigure): Column<ReproducedRow>[] {
  return [head, "measured", "off"].map((head, at) => ({ head, text: (row) => textsOf(of(row))[at] ?? "" }));
}

const ROUGH =
  "Rough: --quick lets each group run once or twice, so hardly anything between groups counts, and leaves out " +
  "what takes long.";

/** Published beside measured, a line for each row, and what was missed. */
export function reproductionText(
  { title, requests }: Publication,
  { rows, alone, missed }: Reproduction,
  quick: boolean,
): string {
  const [published, measured, off] = textsOf(alone, 0);
  return [
    `${title}, published, and the simulated worker with its profile, measured: ${requests}.`,
    tableText(tableOf(COLUMNS, rows)),
    `${alone.name} at the worker, p50: published ${published} ms, measured ${measured}, ${off}.`,
    missed.length === 0
      ? `All ${2 * rows.length + 1} figures are within ${TOLERANCE_PERCENT} %.`
      : `More than ${TOLERANCE_PERCENT} % off: ${missed.map(({ name }) => name).join("; ")}.`,
    ...(quick ? [ROUGH] : []),
  ].join("\n");
}

function textsOf({ published, measured, offPercent }: ComparedFigure, digits = 1): [string, string, string] {
  if (Number.isNaN(measured)) return [published.toFixed(digits), "-", "-"];
  const sign = offPercent < 0 ? "" : "+";
  return [published.toFixed(digits), measured.toFixed(1), `${sign}${offPercent.toFixed(1)} %`];
}
