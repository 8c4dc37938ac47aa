import { aiperf, guidellm, mlperf, ours, vllm } from "../metrics/dialects/dialects.ts";
import { notesOf, type Traits, traitsOf } from "../metrics/dialects/notes.ts";
import {
  type Concept,
  CONCEPTS,
  type Dialect,
  type DialectFigure,
  type Unit,
  unitOf,
  type Word,
} from "../metrics/dialects/score.ts";
import { samplesOf, statesLimits } from "../metrics/requests.ts";
import type { Slo } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import type { ReportInput } from "./input.ts";
import { tableText } from "./table.ts";

/** Each cell of the run as other tools would score it, for people. */
export function dialectText(
  { summary, samples, plan: { slo } }: Pick<ReportInput, "summary" | "samples" | "plan">,
): string {
  return summary.cells.map((cell) => {
    const ofCell = samplesOf(samples, cell);
    const table = dialectTable(dialectView(ofCell, slo));
    return [
      `${cell.variant}, ${cell.load}, as other tools would score it:`,
      table,
      ...dialectRemarks(ofCell, slo),
    ]
      .join("\n");
  }).join("\n\n");
}

/** A table with one column a tool; below it why values differ, each reason once under the number that cells carry. */
export function dialectTable(rows: readonly DialectRow[]): string {
  const reasons = [...new Set(rows.flatMap(({ tools }) => tools.flatMap(({ notes }) => notes)))];
  const table = tableText({
    columns: [{ head: "", kind: "name" }, ...[ours, ...DIALECTS].map(({ name }) => ({ head: name }))],
    rows: rows.map(({ concept, unit, ours, tools }) => [
      unit === "ms" ? `${concept} ms` : concept,
      ...[ours, ...tools].map(({ value, notes }) => {
        const numbers = notes.map((note) => reasons.indexOf(note) + 1).sort((a, b) => a - b);
        return numbers.length === 0 ? textOf(value) : `${textOf(value)} [${numbers.join(" ")}]`;
      }),
    ]),
  });
  return [table, ...reasons.map((reason, index) => `[${index + 1}] ${reason}`)].join("\n");
}

/** In the order of a table's columns, after ours. */
const DIALECTS: readonly Dialect[] = [vllm, guidellm, aiperf, mlperf];

/** One word, and what each tool means by it in one recording. */
export interface DialectRow {
  readonly concept: Concept;
  readonly unit: ReturnType<typeof unitOf>;
  readonly ours: DialectCell;
  readonly tools: readonly DialectCell[];
}

export interface DialectCell {
  readonly tool: string;
  /** As the tool prints it; null where it has no such figure. */
  readonly name: string | null;
  /** In the row's unit. NaN: the tool has no such figure, or nothing to compute it from. */
  readonly value: number;
  /** Why it is not our value; empty where a table shows the same one. */
  readonly notes: readonly string[];
}

/**
 * The recording under every tool's definitions, in the order of `CONCEPTS`; goodput only where a limit is stated.
 * @param samples of one cell, in whatever order.
 */
export function dialectView(samples: readonly Sample[], slo: Slo = {}): DialectRow[] {
  const traits = traitsOf(samples, slo);
  const own = ours.score(samples, slo).figures;
  const tools = DIALECTS.map((dialect) => ({ dialect, figures: dialect.score(samples, slo).figures }));
  return CONCEPTS.filter((concept) => concept !== "goodput" || statesLimits(slo)).map((concept) => {
    const oursCell = cellOf(ours, concept, own, null, traits);
    return {
      concept,
      unit: unitOf(concept),
      ours: oursCell,
      tools: tools.map(({ dialect, figures }) => cellOf(dialect, concept, figures, oursCell.value, traits)),
    };
  });
}

/** What the tools would say of the run besides figures: complete sentences that name the tool. */
export function dialectRemarks(samples: readonly Sample[], slo: Slo = {}): string[] {
  return DIALECTS.flatMap(({ score }) => score(samples, slo).remarks);
}

function cellOf(
  { name: tool, without }: Dialect,
  concept: Concept,
  figures: readonly DialectFigure[],
  oursValue: number | null,
  traits: Traits,
): DialectCell {
  const figure = figures.find((figure) => figure.concept === concept);
  if (!figure) {
    const reason = without[concept.split(" ")[0] as Word];
    return { tool, name: null, value: NaN, notes: reason === undefined ? [] : [reason] };
  }
  const value = figure.value * TO_ROW_UNIT[figure.unit];
  const same = oursValue === null || textOf(value) === textOf(oursValue);
  const nothing = value === 0 && Number.isNaN(oursValue)
    ? ["printed as 0 where there is nothing to compute it from"]
    : [];
  return {
    tool,
    name: figure.name,
    value,
    notes: same ? [] : [...nothing, ...notesOf(figure.differs, traits)],
  };
}

const TO_ROW_UNIT: Readonly<Record<Unit, number>> = { ns: 1e-6, ms: 1, s: 1000, "tok/s": 1, "req/s": 1 };

/** Four digits: two definitions that differ by a thousandth differ in the table. */
function textOf(value: number): string {
  if (Number.isNaN(value)) return "-";
  if (!Number.isFinite(value)) return "inf";
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}
