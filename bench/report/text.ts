import Table from "cli-table3";
import type { EngineSettings, RunEnvironment } from "./environment.ts";
import type { Recording } from "./recorder.ts";
import type { Sample } from "./sample.ts";
import { type Percentile, type Row, summarize } from "./summary.ts";

const COLUMNS = [
  "mode",
  "clients",
  "requests",
  "failed",
  "req/s",
  "out tok/s",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "ttft ms",
  "itl ms",
  "itl p99",
  "queue ms",
  "batch",
];

/** Of the cores, taken by other programs, from which on the reader is told. */
const BUSY_SHARE = 0.25;

/** The table that a run prints, with all that its reader must know to take the figures for what they are. */
export function report({ environment, samples }: Recording): string {
  const rows = summarize(samples);
  if (rows.length === 0) return [title(environment, samples), "Nothing was measured."].join("\n");
  return [
    title(environment, samples),
    table(rows),
    ...howMeasured(environment, rows),
    ...footnotes(rows),
    ...busyMachine(environment),
    ...failures(samples),
    ...comparison(rows),
  ].join("\n");
}

function title({ machine, worker, target }: RunEnvironment, samples: readonly Sample[]): string {
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GiB`;
  const where = `${machine.cores} x ${machine.cpu}, ${memory}`;
  const what = worker?.model
    ? `${worker.model} on ${worker.backend}`
    : `${worker ? "worker" : "engine"} at ${worker?.endpoint ?? target}`;
  const simulated = worker?.simulated || samples.some((sample) => sample.simulated);
  return simulated ? `SIMULATED, no model ran: ${what}; ${where}` : `${what}; ${where}`;
}

function table(rows: readonly Row[]): string {
  const table = new Table({
    head: COLUMNS,
    colAligns: COLUMNS.map((_, column) => column === 0 ? "left" : "right"),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    const { p50, p95, p99 } = row.latencyMs;
    table.push([
      row.mode,
      row.concurrency,
      row.requests,
      row.failed,
      figure(row.requestsPerSecond),
      figure(row.outputTokensPerSecond),
      ...[p50, p95, p99].map(percentileText),
      ...[row.ttftMs.p50, row.itlMs.p50, row.itlMs.p99].map(percentileText),
      figure(row.queueWaitMs),
      figure(row.batchSize),
    ]);
  }
  return table.toString();
}

function howMeasured({ engine, load, workload }: RunEnvironment, rows: readonly Row[]): string[] {
  const lines = [
    `Closed loop: a client asks again when it has its answer; all share ${load.connections} connections.`,
    `Requests of at most ${workload.maxTokens} output tokens, seed ${workload.seed}; the warm-up is left out.`,
    "p50, p95, p99: from the moment a client was free to ask to its answer; a failure counts as infinitely late.",
    "ttft, itl: p50 of the time to the first token and between two tokens, as streaming clients saw them.",
    "queue: mean time in the engine's queue. batch: mean requests in a call of the worker, which may by itself",
    "also run calls together that reach it apart.",
  ];
  return [
    ...lines,
    ...[...new Set(rows.map(({ mode }) => mode))].flatMap((mode) => settingsOf(mode, engine)),
  ];
}

/** The engine's settings that shape a mode. */
function settingsOf(mode: string, engine: EngineSettings | null): string[] {
  if (!engine) return [];
  const { QUEUED_CONCURRENCY, MAX_BATCH_SIZE, BATCH_WINDOW_MS, BATCHES_IN_FLIGHT, BATCH_WHEN_IDLE } = engine;
  if (mode === "queued") return [`queued: ${assignments({ QUEUED_CONCURRENCY })}`];
  if (mode !== "micro_batch") return [];
  const batching = { MAX_BATCH_SIZE, BATCH_WINDOW_MS, BATCHES_IN_FLIGHT, BATCH_WHEN_IDLE };
  return [`micro_batch: ${assignments(batching)}`];
}

function assignments(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values).map((entry) => entry.join("=")).join(" ");
}

function footnotes(rows: readonly Row[]): string[] {
  const notes: string[] = [];
  if (rows.some(({ latencyMs }) => Object.values(latencyMs).some(({ fewSamples }) => fewSamples))) {
    notes.push(
      "*: under 20 requests (p95) or 100 (p99), so hardly more than the slowest of them.",
    );
  }
  const interrupted = rows.reduce((sum, row) => sum + row.interrupted, 0);
  if (interrupted > 0) {
    notes.push(`${interrupted} requests were under way when the run was stopped; no figure has them.`);
  }
  return notes;
}

/** Other programs take time from what is measured, and not the same from each mode. */
function busyMachine({ machine: { loadAverage, cores } }: RunEnvironment): string[] {
  if (loadAverage < BUSY_SHARE * cores) return [];
  return [
    `The machine was busy before the run (load ${
      loadAverage.toFixed(1)
    } on ${cores} cores), so expect other figures ` +
    "when it is not.",
  ];
}

/** A line for each way in which requests of a level failed. */
function failures(samples: readonly Sample[]): string[] {
  const failed = samples.filter(({ phase, outcome }) => phase === "measured" && outcome === "failed");
  const ways = Map.groupBy(
    failed,
    ({ mode, concurrency, status }) =>
      `${mode}, ${concurrency} client${concurrency === 1 ? "" : "s"}: ${status}`,
  );
  return [...ways].map(([way, { length, 0: first }]) =>
    `Failed: ${length} x ${way}; first: ${first?.errorMessage}`
  );
}

/** What batching brought, where the run has both sides. */
function comparison(rows: readonly Row[]): string[] {
  const batched = rows.findLast(({ mode, concurrency }) => mode === "micro_batch" && concurrency > 1);
  const single = rows.find((row) => row.mode === "queued" && row.concurrency === batched?.concurrency);
  if (!batched || !single) return [];
  const ratio = batched.outputTokensPerSecond / single.outputTokensPerSecond;
  if (!Number.isFinite(ratio)) return [];
  return [
    `At ${batched.concurrency} clients micro_batch gave ${
      ratio.toFixed(1)
    } times the output tokens/s of queued.`,
  ];
}

function percentileText({ value, fewSamples }: Percentile): string {
  if (value === Infinity) return "failed";
  return figure(value) + (fewSamples ? "*" : "");
}

/** Three significant digits or whole units; nothing to compute from shows as "-". */
function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
