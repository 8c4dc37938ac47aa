import type { Cell, Sample } from "../record/sample.ts";
import { oneLine } from "./format.ts";
import type { ReportInput } from "./input.ts";

/** One way in which requests of a cell failed. */
export interface Failure extends Cell {
  readonly status: string;
  readonly count: number;
  /** Of the request that failed first. */
  readonly firstMessage: string;
}

/** The measured failures by cell and status, the most frequent of a cell first; cells in the summary's order. */
export function failuresOf({ samples, summary: { cells } }: ReportInput): Failure[] {
  const failed = samples.filter(({ phase, outcome }) => phase === "measured" && outcome === "failed");
  const byCell = Map.groupBy(failed, nameOf);
  return cells.map((cell) => byCell.get(nameOf(cell)) ?? []).flatMap((ofCell) =>
    [...Map.groupBy(ofCell, ({ status }) => status).values()]
      .map((alike) => failureOf(alike))
      .sort((a, b) => b.count - a.count)
  );
}

function nameOf({ variant, load }: Cell): string {
  return JSON.stringify([variant, load]);
}

function failureOf(alike: readonly Sample[]): Failure {
  const first = alike.reduce((early, sample) => sample.sentAt < early.sentAt ? sample : early);
  const { variant, load, status, errorMessage } = first;
  return { variant, load, status, count: alike.length, firstMessage: oneLine(errorMessage) };
}
