/** The tables of `top`: percentiles, batches, requests. */
import type { Millis } from "../core/types.ts";
import type { LiveBatch, LiveRequest, LiveTick, Percentiles } from "../live/feed.ts";
import { millis, NOTHING } from "../live/format.ts";
import { percentile } from "../percentile.ts";
import { clipped, type Line, type Span, span } from "./line.ts";
import { type Column, tableLines } from "./table.ts";

const MOST_ID_COLUMNS = 24;
const BAR_CELLS = 8;

export function percentileTable({ point: { ttft, tpot, e2e } }: LiveTick, width: number): Line[] {
  const rows = [["TTFT", ttft], ["TPOT", tpot], ["E2E", e2e]] as const;
  const figure = (name: keyof Percentiles): Column<(typeof rows)[number]> => ({
    head: name,
    align: "right",
    importance: 1,
    cell: ([, percentiles]) => span(millis(percentiles[name]).padStart(FIGURE_COLUMNS)),
  });
  return tableLines(
    [
      { head: "last 30 s", importance: 1, cell: ([name]) => span(name, "faint") },
      figure("p50"),
      figure("p95"),
      figure("p99"),
    ],
    rows,
    width,
  );
}

/** They don't move as the figures change. */
const FIGURE_COLUMNS = 7;

/** Newest first. */
export function batchTable(batches: readonly LiveBatch[], now: Millis, width: number): Line[] {
  return tableLines(BATCH_COLUMNS, batches.map((batch) => ({ ...batch, now })), width);
}

const BATCH_COLUMNS: readonly Column<LiveBatch & { readonly now: Millis }>[] = [
  { head: "batch", align: "right", importance: 9, cell: ({ id }) => span(String(id), "strong") },
  { head: "reason", importance: 9, cell: ({ reason }) => span(clipped(reason, MOST_ID_COLUMNS)) },
  { head: "size", align: "right", importance: 9, cell: sizeOf },
  { head: "fill", importance: 5, cell: fillOf },
  { head: "wait p50", align: "right", importance: 6, cell: ({ waitsMs }) => timeOf(medianOf(waitsMs)) },
  { head: "wait max", align: "right", importance: 8, cell: ({ waitsMs }) => timeOf(Math.max(...waitsMs)) },
  { head: "late", align: "right", importance: 2, cell: ({ lateMs }) => timeOf(lateMs) },
  { head: "ran", align: "right", importance: 7, cell: ranFor },
  {
    head: "left",
    align: "right",
    importance: 3,
    cell: ({ leftAt, now }) => span(`${ageOf(now - leftAt)} ago`),
  },
  { head: "mode", importance: 1, cell: ({ mode }) => span(clipped(mode, MOST_ID_COLUMNS), "faint") },
];

function sizeOf({ size, capacity }: LiveBatch): Span {
  return span(capacity > 0 ? `${size}/${capacity}` : String(size));
}

/** Blank where a batch has no limit. */
function fillOf({ size, capacity }: LiveBatch): Span {
  return span(capacity > 0 ? bar(size / capacity) : "");
}

function ranFor({ endedAt, leftAt, now }: LiveBatch & { readonly now: Millis }): Span {
  return endedAt === null ? span(`${ageOf(now - leftAt)} …`, "good") : timeOf(endedAt - leftAt);
}

/** Oldest first. */
export function requestTable(requests: readonly LiveRequest[], width: number): Line[] {
  return tableLines(REQUEST_COLUMNS, requests, width);
}

const REQUEST_COLUMNS: readonly Column<LiveRequest>[] = [
  {
    head: "request",
    importance: 9,
    cell: ({ requestId }) => span(clipped(requestId, MOST_ID_COLUMNS), "strong"),
  },
  { head: "tenant", importance: 6, cell: ({ tenantId }) => span(clipped(tenantId, 16) || NOTHING) },
  { head: "phase", importance: 9, cell: ({ phase }) => span(phase, phase === "queued" ? "warn" : "good") },
  { head: "age", align: "right", importance: 8, cell: ({ ageMs }) => timeOf(ageMs) },
  { head: "waited", align: "right", importance: 5, cell: ({ waitedMs }) => timeOf(waitedMs) },
  {
    head: "tokens",
    align: "right",
    importance: 7,
    cell: ({ tokens, maxTokens }) => span(`${tokens}/${maxTokens}`),
  },
  {
    head: "done",
    importance: 2,
    cell: ({ tokens, maxTokens }) => span(bar(tokens / Math.max(1, maxTokens))),
  },
  { head: "mode", importance: 4, cell: ({ mode }) => span(clipped(mode, MOST_ID_COLUMNS), "faint") },
  {
    head: "door",
    importance: 1,
    cell: ({ door, stream }) => span(clipped(`${door}${stream ? ", stream" : ""}`, MOST_ID_COLUMNS), "faint"),
  },
];

function bar(share: number): string {
  const full = Math.min(BAR_CELLS, share > 0 ? Math.max(1, Math.round(share * BAR_CELLS)) : 0);
  return "█".repeat(full) + "░".repeat(BAR_CELLS - full);
}

/** A time that changes each second, in whole seconds. */
function ageOf(time: Millis): string {
  return `${Math.max(0, Math.round(time / 1000))} s`;
}

function timeOf(time: Millis): Span {
  return span(millis(Math.max(0, time)));
}

function medianOf(times: readonly Millis[]): Millis {
  return percentile(times.toSorted((one, other) => one - other), 50);
}
