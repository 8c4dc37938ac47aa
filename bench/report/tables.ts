import type { CellSummary, Distribution, Phases } from "../metrics/cell_summary.ts";
import { samplesOf } from "../metrics/requests.ts";
import type { Cell, Sample } from "../record/sample.ts";
import { estimate, figure, oneLine, percent, withInterval } from "../words.ts";
import type { ReportInput } from "./input.ts";
import { type Column, type Table, tableOf } from "./table.ts";

/** A table with its place in a report. */
export interface ReportTable extends Table {
  readonly name: string;
  readonly title: string;
  /** How to read it; one or two sentences. */
  readonly about: string;
}

type CellColumn = Column<CellSummary>;

/** Every figure of the summary that a reader may want to quote; tables without content are left out. */
export function tablesOf(input: ReportInput): ReportTable[] {
  const { cells } = input.summary;
  const table = (columns: readonly CellColumn[], of = cells) => tableOf([...NAMES, ...columns], of);
  return [
    { name: "throughput", title: "Throughput", about: RATES_ABOUT, ...table(rateColumns(cells)) },
    { name: "latency", title: "Latency", about: LATENCY_ABOUT, ...table(LATENCY_COLUMNS) },
    { name: "tokens", title: "Tokens and queue", about: TOKENS_ABOUT, ...table(TOKEN_COLUMNS) },
    {
      name: "phases",
      title: "Where the time went",
      about: PHASES_ABOUT,
      ...table(PHASE_COLUMNS, cells.filter(({ phases }) => phases)),
    },
    {
      name: "batches",
      title: "Batches",
      about: BATCHES_ABOUT,
      ...table(BATCH_COLUMNS, cells.filter(({ batches }) => batches)),
    },
    { name: "checks", title: "Checks of the measurement", about: CHECKS_ABOUT, ...table(CHECK_COLUMNS) },
    {
      name: "failures",
      title: "Failures",
      about: "By status, each with the message of the request that failed first.",
      ...tableOf(FAILURE_COLUMNS, failuresOf(input)),
    },
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

const NAMES: readonly Column<Cell>[] = [
  { head: "variant", kind: "name", text: ({ variant }) => variant },
  { head: "load", kind: "name", text: ({ load }) => load },
];

function rateColumns(cells: readonly CellSummary[]): CellColumn[] {
  const columns: CellColumn[] = [
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

type DistributionKey = "e2eMs" | "ttftMs" | "tpotMs" | "itlMs" | "queueWaitMs";

function distributionColumn(name: string, key: DistributionKey, part: keyof Distribution): CellColumn {
  return { head: `${name} ${part}`, text: (cell) => withInterval(cell[key][part]) };
}

const LATENCY_COLUMNS: readonly CellColumn[] = [
  ...(["p50", "p95", "p99"] as const).map((part) => distributionColumn("E2E", "e2eMs", part)),
  ...(["p50", "p95", "p99"] as const).map((part) => distributionColumn("TTFT", "ttftMs", part)),
];

const TOKEN_COLUMNS: readonly CellColumn[] = [
  distributionColumn("TPOT", "tpotMs", "p50"),
  distributionColumn("TPOT", "tpotMs", "p95"),
  distributionColumn("ITL", "itlMs", "p50"),
  distributionColumn("ITL", "itlMs", "p99"),
  distributionColumn("queue", "queueWaitMs", "mean"),
  distributionColumn("queue", "queueWaitMs", "p95"),
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

const PHASE_COLUMNS: readonly CellColumn[] = [
  ...PHASES.map(([key, head]) => ({ head, text: ({ phases }: CellSummary) => figure(phases?.[key] ?? NaN) })),
  { head: "residual", text: ({ phases }) => figure(phases?.residualMs ?? NaN) },
  { head: "requests", text: ({ phases }) => String(phases?.samples ?? 0) },
];

const BATCH_COLUMNS: readonly CellColumn[] = [
  { head: "batches", text: ({ batches }) => String(batches?.count ?? 0) },
  { head: "mean size", text: ({ batches }) => figure(batches?.meanSize ?? NaN) },
  { head: "sizes", kind: "name", text: ({ batches }) => tally(batches?.sizes ?? {}) },
  { head: "left because", kind: "name", text: ({ batches }) => tally(batches?.reasons ?? {}) },
];

const CHECK_COLUMNS: readonly CellColumn[] = [
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

const FAILURE_COLUMNS: readonly Column<Failure>[] = [
  ...NAMES,
  { head: "status", kind: "name", text: ({ status }) => status },
  { head: "first message", kind: "prose", text: ({ firstMessage }) => firstMessage },
  { head: "requests", text: ({ count }) => String(count) },
];

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
  return cells.flatMap((cell) =>
    [...Map.groupBy(samplesOf(failed, cell), ({ status }) => status).values()]
      .map(failureOf)
      .sort((a, b) => b.count - a.count)
  );
}

function failureOf(alike: readonly Sample[]): Failure {
  const first = alike.reduce((early, sample) => sample.sentAt < early.sentAt ? sample : early);
  const { variant, load, status, errorMessage } = first;
  return { variant, load, status, count: alike.length, firstMessage: oneLine(errorMessage) };
}
