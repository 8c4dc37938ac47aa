import type { CellSummary, Phases } from "../metrics/cell_summary.ts";
import { percent } from "../words.ts";
import { estimate, figure, withInterval } from "./format.ts";
import { failuresOf } from "./failures.ts";
import type { ReportInput } from "./input.ts";

export type ColumnKind = "name" | "prose" | "figure";

/** A table without a look: Markdown and HTML each give it theirs. */
export interface ReportTable {
  readonly name: string;
  readonly title: string;
  /** How to read it; one or two sentences. */
  readonly about: string;
  readonly heads: readonly string[];
  /** Of each column: figures stand to the right, names to the left on one line, prose may be broken. */
  readonly kinds: readonly ColumnKind[];
  readonly rows: readonly (readonly string[])[];
}

interface Column {
  readonly head: string;
  /** @default "figure" */
  readonly kind?: ColumnKind;
  text(cell: CellSummary): string;
}

/** Every figure of the summary that a reader may want to quote; tables without content are left out. */
export function tablesOf(input: ReportInput): ReportTable[] {
  const { cells } = input.summary;
  return [
    cellTable("throughput", "Throughput", RATES_ABOUT, cells, rateColumns(cells)),
    cellTable("latency", "Latency", LATENCY_ABOUT, cells, LATENCY_COLUMNS),
    cellTable("tokens", "Tokens and queue", TOKENS_ABOUT, cells, TOKEN_COLUMNS),
    cellTable("phases", "Where the time went", PHASES_ABOUT, cells.filter(hasPhases), PHASE_COLUMNS),
    cellTable("batches", "Batches", BATCHES_ABOUT, cells.filter(({ batches }) => batches), BATCH_COLUMNS),
    cellTable("checks", "Checks of the measurement", CHECKS_ABOUT, cells, CHECK_COLUMNS),
    failureTable(input),
  ].filter(({ rows }) => rows.length > 0);
}

const RATES_ABOUT =
  "A second of measured time, successful requests only; in brackets the 95 % confidence interval.";
const LATENCY_ABOUT =
  "Milliseconds from the instant at which a request was meant to leave, with 95 % confidence " +
  "intervals; a failed request is infinitely late. A * marks a percentile that too few samples lie beyond.";
const TOKENS_ABOUT =
  "Milliseconds. TPOT: mean time per output token after the first, of one request. ITL: between two " +
  "tokens of a stream. Queue: in the engine's queue.";
const PHASES_ABOUT =
  "Mean milliseconds of the successful requests. The parts add up to the mean E2E latency; the " +
  "residual is what they leave of it.";
const BATCHES_ABOUT =
  "Groups that the engine sent to the worker together: how many, of which sizes, and why they left.";
const CHECKS_ABOUT =
  "Little's law: the mean number of requests in the system is their rate times their mean time there. " +
  "Lateness: how much later than intended the generator sent, in milliseconds.";

const NAMES: readonly Column[] = [
  { head: "variant", kind: "name", text: ({ variant }) => variant },
  { head: "load", kind: "name", text: ({ load }) => load },
];

function rateColumns(cells: readonly CellSummary[]): Column[] {
  const columns: Column[] = [
    { head: "requests", text: ({ requests }) => String(requests) },
    { head: "failed", text: ({ failed }) => String(failed) },
    { head: "offered req/s", text: ({ offeredRate }) => figure(offeredRate) },
    { head: "req/s", text: ({ requestRate }) => withInterval(requestRate) },
    { head: "output tok/s", text: ({ outputTokenRate }) => withInterval(outputTokenRate) },
    { head: "total tok/s", text: ({ totalTokenRate }) => withInterval(totalTokenRate) },
  ];
  if (!cells.some(({ goodput }) => goodput)) return columns;
  return [...columns, {
    head: "goodput req/s",
    text: ({ goodput }) => goodput ? withInterval(goodput) : "-",
  }];
}

const LATENCY_COLUMNS: readonly Column[] = [
  { head: "E2E p50", text: ({ e2eMs }) => withInterval(e2eMs.p50) },
  { head: "E2E p95", text: ({ e2eMs }) => withInterval(e2eMs.p95) },
  { head: "E2E p99", text: ({ e2eMs }) => withInterval(e2eMs.p99) },
  { head: "TTFT p50", text: ({ ttftMs }) => withInterval(ttftMs.p50) },
  { head: "TTFT p95", text: ({ ttftMs }) => withInterval(ttftMs.p95) },
  { head: "TTFT p99", text: ({ ttftMs }) => withInterval(ttftMs.p99) },
];

const TOKEN_COLUMNS: readonly Column[] = [
  { head: "TPOT p50", text: ({ tpotMs }) => withInterval(tpotMs.p50) },
  { head: "TPOT p95", text: ({ tpotMs }) => withInterval(tpotMs.p95) },
  { head: "ITL p50", text: ({ itlMs }) => withInterval(itlMs.p50) },
  { head: "ITL p99", text: ({ itlMs }) => withInterval(itlMs.p99) },
  { head: "queue mean", text: ({ queueWaitMs }) => withInterval(queueWaitMs.mean) },
  { head: "queue p95", text: ({ queueWaitMs }) => withInterval(queueWaitMs.p95) },
];

/** The parts of a request's time in their order, as charts and tables name them. */
export const PHASES = [
  ["generatorMs", "generator"],
  ["networkMs", "network"],
  ["queueMs", "queue"],
  ["batchMs", "batch window"],
  ["dispatchMs", "dispatch"],
  ["prefillMs", "prefill"],
  ["decodeMs", "decode"],
  ["replyMs", "reply"],
] as const satisfies readonly (readonly [keyof Phases, string])[];

const PHASE_COLUMNS: readonly Column[] = [
  ...PHASES.map(([key, head]) => ({ head, text: ({ phases }: CellSummary) => figure(phases?.[key] ?? NaN) })),
  { head: "residual", text: ({ phases }) => figure(phases?.residualMs ?? NaN) },
  { head: "requests", text: ({ phases }) => String(phases?.samples ?? 0) },
];

const BATCH_COLUMNS: readonly Column[] = [
  { head: "batches", text: ({ batches }) => String(batches?.count ?? 0) },
  { head: "mean size", text: ({ batches }) => figure(batches?.meanSize ?? NaN) },
  { head: "sizes", kind: "name", text: ({ batches }) => tally(batches?.sizes ?? {}) },
  { head: "left because", kind: "name", text: ({ batches }) => tally(batches?.reasons ?? {}) },
];

const CHECK_COLUMNS: readonly Column[] = [
  { head: "verdict", kind: "name", text: ({ verdict }) => verdict.valid ? "VALID" : "NOT VALID" },
  { head: "measured s", text: ({ seconds }) => figure(seconds) },
  { head: "interrupted", text: ({ interrupted }) => String(interrupted) },
  { head: "lateness p99", text: ({ latenessMs }) => estimate(latenessMs.p99) },
  { head: "in system", text: ({ littlesLaw }) => figure(littlesLaw.inSystem) },
  { head: "rate x time", text: ({ littlesLaw }) => figure(littlesLaw.rateTimesTime) },
  { head: "Little's residual", text: ({ littlesLaw }) => percent(littlesLaw.residual) },
];

/** More of them are summed up: a table is no histogram. */
const TALLY_LIMIT = 6;

/** `32: 12, 4: 1`: the most frequent first. */
function tally(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort((a, b) => b[1] - a[1]);
  const rest = entries.length - TALLY_LIMIT;
  const shown = entries.slice(0, TALLY_LIMIT).map(([name, count]) => `${name}: ${count}`).join(", ");
  return rest > 0 ? `${shown}, and ${rest} more` : shown;
}

function hasPhases({ phases }: CellSummary): boolean {
  return phases !== null;
}

function cellTable(
  name: string,
  title: string,
  about: string,
  cells: readonly CellSummary[],
  columns: readonly Column[],
): ReportTable {
  const all = [...NAMES, ...columns];
  const heads = all.map(({ head }) => head);
  return {
    name,
    title,
    about,
    heads,
    kinds: all.map(({ kind = "figure" }) => kind),
    rows: cells.map((cell) => all.map(({ text }) => text(cell))),
  };
}

function failureTable(input: ReportInput): ReportTable {
  return {
    name: "failures",
    title: "Failures",
    about: "By status, each with the message of the request that failed first.",
    heads: ["variant", "load", "status", "first message", "requests"],
    kinds: ["name", "name", "name", "prose", "figure"],
    rows: failuresOf(input).map(({ variant, load, status, firstMessage, count }) => [
      variant,
      load,
      status,
      firstMessage,
      String(count),
    ]),
  };
}
