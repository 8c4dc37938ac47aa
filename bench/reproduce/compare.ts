import Table from "cli-table3";
import type { CellSummary, RunSummary } from "../metrics/cell_summary.ts";
import { percentile } from "../metrics/percentile.ts";
import type { Sample } from "../record/sample.ts";
import type { ReproducedRow } from "./measure.ts";
import type { Publication } from "./published.ts";

/** How far a figure may be from the published one. */
export const TOLERANCE_PERCENT = 3;

export interface ComparedFigure {
  readonly name: string;
  readonly published: number;
  /** NaN: it was not measured. */
  readonly measured: number;
  readonly offPercent: number;
  /** Further off than the tolerance, or not measured. */
  readonly missed: boolean;
}

export interface ComparedRow {
  readonly row: ReproducedRow;
  readonly tokenRate: ComparedFigure;
  readonly tpot: ComparedFigure;
}

export function compareRows(rows: readonly ReproducedRow[], { cells }: RunSummary): ComparedRow[] {
  return rows.map((row) => {
    const { published: { atOnce, tokensPerSecond, tpotP50Ms }, variant, load } = row;
    const cell = cells.find((cell) => cell.variant === variant.name && cell.load === load.name);
    const who = `${atOnce} at once, ${load.name}`;
    return {
      row,
      tokenRate: compared(`tok/s, ${who}`, tokensPerSecond, allAnswered(cell)?.totalTokenRate.value),
      tpot: compared(`TPOT p50, ${who}`, tpotP50Ms, allAnswered(cell)?.tpotMs.p50.value),
    };
  });
}

/** The worker's time to first token of a request that runs alone: the median of the row with one at once. */
export function compareAlone(
  { aloneTtftMs }: Publication,
  rows: readonly ReproducedRow[],
  samples: readonly Sample[],
): ComparedFigure {
  const alone = rows.find(({ published }) => published.atOnce === 1);
  const firstMs = samples
    .filter(({ phase, outcome, variant }) =>
      phase === "measured" && outcome === "ok" && variant === alone?.variant.name
    )
    .map(({ workerTtftMs }) => workerTtftMs);
  return compared("TTFT of one request alone", aloneTtftMs, percentile(firstMs.sort((a, b) => a - b), 50));
}

/** Where requests failed, other requests ran than the published ones. */
function allAnswered(cell: CellSummary | undefined): CellSummary | undefined {
  return cell?.failed === 0 ? cell : undefined;
}

function compared(name: string, published: number, measured = NaN): ComparedFigure {
  const offPercent = 100 * (measured / published - 1);
  return { name, published, measured, offPercent, missed: !(Math.abs(offPercent) <= TOLERANCE_PERCENT) };
}

/** Published beside measured, a line for each row, and what was missed. */
export function comparisonText(
  { title, promptTokens, outputTokens }: Publication,
  rows: readonly ComparedRow[],
  alone: ComparedFigure,
  quick: boolean,
): string {
  const table = new Table({
    head: ["at once", "requests", "tok/s publ.", "measured", "off", "TPOT p50 ms publ.", "measured", "off"],
    colAligns: ["right", "left", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { row: { published, asked, load }, tokenRate, tpot } of rows) {
    const requests = `${asked.requests} of ${load.name}`;
    table.push([published.atOnce, requests, ...cellsOf(tokenRate), ...cellsOf(tpot)]);
  }
  const figures = [alone, ...rows.flatMap(({ tokenRate, tpot }) => [tokenRate, tpot])];
  const missed = figures.filter((figure) => figure.missed);
  return [
    `${title}, published, and the simulated worker with its profile, measured: ${promptTokens} prompt and ` +
    `${outputTokens} output tokens.`,
    table.toString(),
    `${alone.name} at the worker, p50: published ${alone.published} ms, measured ${
      cellsOf(alone).slice(1).join(", ")
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

function cellsOf({ published, measured, offPercent }: ComparedFigure): [string, string, string] {
  if (Number.isNaN(measured)) return [published.toFixed(1), "-", "-"];
  return [
    published.toFixed(1),
    measured.toFixed(1),
    `${offPercent < 0 ? "" : "+"}${offPercent.toFixed(1)} %`,
  ];
}
