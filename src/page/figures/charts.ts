import type { LivePoint } from "../../live/feed.ts";
import { count, decimal, millis, percent } from "../../live/format.ts";

export interface ChartSeries {
  readonly label: string;
  /** A colour of the page's palette. */
  readonly colour: Colour;
  /** Dashes by which lines can be distinguished without their colours. */
  readonly dash?: readonly number[];
  value(point: LivePoint): number | null;
}

export type Colour = "blue" | "orange" | "green" | "pink" | "soft";

export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly series: readonly ChartSeries[];
  /** The least upper end of the axis. */
  readonly atLeast: number;
  /** A line goes on over seconds without a value. @default false */
  readonly overGaps?: boolean;
  text(value: number | null): string;
}

const DASHES = { p50: [], p95: [6, 3], p99: [2, 2] } as const;

export const CHARTS: readonly Chart[] = [
  {
    id: "rate",
    title: "Requests",
    unit: "per second",
    atLeast: 2,
    text: decimal,
    series: [
      { label: "came in", colour: "blue", value: ({ arrived }) => arrived },
      { label: "ended", colour: "green", dash: [6, 3], value: ({ ended }) => ended },
      { label: "failed", colour: "orange", dash: [2, 2], value: ({ failed }) => failed },
    ],
  },
  {
    id: "tokens",
    title: "Output tokens",
    unit: "per second",
    atLeast: 10,
    text: decimal,
    series: [{ label: "tokens", colour: "blue", value: ({ outputTokens }) => outputTokens }],
  },
  {
    id: "queue",
    title: "Queue and worker",
    unit: "requests",
    atLeast: 2,
    text: (value) => value === null ? decimal(null) : count(value),
    series: [
      { label: "waiting", colour: "orange", value: ({ queueDepth }) => queueDepth },
      { label: "in flight", colour: "blue", dash: [6, 3], value: ({ inFlight }) => inFlight },
    ],
  },
  {
    id: "batch",
    title: "Mean batch size",
    unit: "requests",
    atLeast: 2,
    overGaps: true,
    text: decimal,
    series: [{
      label: "in a batch",
      colour: "blue",
      value: ({ batches, batchedRequests }) => batches === 0 ? null : batchedRequests / batches,
    }],
  },
  latency("ttft", "TTFT", "to the first token"),
  latency("tpot", "TPOT", "per token after it"),
  latency("e2e", "E2E", "to the last token"),
  {
    id: "kv",
    title: "KV cache in use",
    unit: "of the worker's",
    atLeast: 1,
    text: percent,
    series: [{ label: "in use", colour: "blue", value: ({ kvUsage }) => kvUsage }],
  },
];

function latency(id: "ttft" | "tpot" | "e2e", title: string, unit: string): Chart {
  const colours = { p50: "blue", p95: "orange", p99: "pink" } as const;
  return {
    id,
    title,
    unit,
    atLeast: 1,
    text: millis,
    series: (["p50", "p95", "p99"] as const).map((percentile) => ({
      label: percentile,
      colour: colours[percentile],
      dash: DASHES[percentile],
      value: (point) => point[id][percentile],
    })),
  };
}

/** Times in Unix seconds, then one column for each series. */
export type Columns = [times: number[], ...values: (number | null)[][]];

/** Two points that are further apart mean that the engine, or the page, was away in between. */
const AWAY_MS = 2500;

/** What is drawn of a range this long: each second, or means of several, for a line can't go up and down in a pixel. */
export function bucketMs(rangeMs: number): number {
  return rangeMs > 300_000 ? 5000 : 1000;
}

/**
 * The points from `from` (Unix ms) on, as means over `bucket` ms, each at its last second. Where seconds are missing an
 * empty column keeps a line from leading over.
 */
export function columnsOf(
  points: readonly LivePoint[],
  series: readonly ChartSeries[],
  from: number,
  bucket = 1000,
): Columns {
  const columns: Columns = [[], ...series.map(() => [])];
  let group: LivePoint[] = [];
  const end = () => {
    const at = group.at(-1)?.at;
    if (at !== undefined) push(columns, at, series.map(({ value }) => mean(group.map(value))));
    group = [];
  };
  for (const point of points) {
    if (point.at < from) continue;
    const last = group.at(-1)?.at;
    const away = last !== undefined && point.at - last > AWAY_MS;
    if (last !== undefined && (away || bucketOf(last, bucket) !== bucketOf(point.at, bucket))) end();
    if (away) push(columns, last + 1000, series.map(() => null));
    group.push(point);
  }
  end();
  return columns;
}

/** The same point always falls into the same one, so that a line doesn't change its shape as time goes on. */
function bucketOf(at: number, bucket: number): number {
  return Math.ceil(at / bucket);
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function push([times, ...values]: Columns, at: number, row: readonly (number | null)[]): void {
  times.push(at / 1000);
  values.forEach((column, index) => column.push(row[index] ?? null));
}
