// @ts-types="@types/d3-array"
import { group, max, mean, min, quantileSorted, sum } from "d3-array";
import type { Millis } from "../src/types.ts";
import { gaps } from "./load_stream.ts";
import type { Level, Sample } from "./sample.ts";

/** The figures of one level. NaN: there is nothing to compute it from. */
export interface Row extends Level {
  /** Requests that ended, well or badly; those interrupted by a stop are apart. */
  readonly requests: number;
  readonly failed: number;
  readonly interrupted: number;
  /** Over the time from the first request's intended start to the last answer; successful ones only. */
  readonly requestsPerSecond: number;
  readonly outputTokensPerSecond: number;
  readonly latencyMs: { readonly p50: Percentile; readonly p95: Percentile; readonly p99: Percentile };
  /** Sending to first token, as the client saw it. */
  readonly ttftMs: { readonly p50: Percentile };
  /** Between two tokens of one stream, as the client saw them; those of one chunk come at once. */
  readonly itlMs: { readonly p50: Percentile; readonly p99: Percentile };
  readonly queueWaitMs: Millis;
  /** Mean over the batches, so a batch of 32 counts once and not 32 times. */
  readonly batchSize: number;
}

export interface Percentile {
  /** Infinity when it falls on a request that failed. */
  readonly value: Millis;
  /** Fewer samples than it takes for one of them to lie above the percentile. */
  readonly fewSamples: boolean;
}

/** One row for each level, in the order in which they were measured, from the samples alone. */
export function summarize(samples: readonly Sample[]): Row[] {
  const measured = samples.filter(({ phase }) => phase === "measured");
  const levels = group(measured, ({ mode }) => mode, ({ concurrency }) => concurrency);
  return [...levels.values()].flatMap((byConcurrency) => [...byConcurrency.values()].map(summarizeLevel));
}

function summarizeLevel(samples: readonly Sample[]): Row {
  const { mode, concurrency } = samples[0]!;
  const ended = samples.filter(({ outcome }) => outcome !== "interrupted");
  const ok = ended.filter(({ outcome }) => outcome === "ok");
  const seconds = ((max(ended, (s) => s.receivedAt) ?? NaN) - (min(ended, (s) => s.intendedAt) ?? NaN)) /
    1000;
  const latencies = ended
    .map(({ outcome, latencyMs }) => outcome === "ok" ? latencyMs : INFINITELY_LATE)
    .sort((a, b) => a - b);
  const streams = ok.flatMap(({ tokenMs }) => tokenMs?.length ? [tokenMs] : []);
  const ttfts = streams.map(([first]) => first!).sort((a, b) => a - b);
  const itls = streams.flatMap(gaps).sort((a, b) => a - b);
  const batches = new Map(ended.flatMap(({ dispatch }) => dispatch ? [[dispatch.id, dispatch.size]] : []));
  return {
    mode,
    concurrency,
    requests: ended.length,
    failed: ended.length - ok.length,
    interrupted: samples.length - ended.length,
    requestsPerSecond: ok.length / seconds,
    outputTokensPerSecond: sum(ok, ({ outputTokens }) => outputTokens) / seconds,
    latencyMs: {
      p50: percentile(latencies, 50),
      p95: percentile(latencies, 95),
      p99: percentile(latencies, 99),
    },
    ttftMs: { p50: percentile(ttfts, 50) },
    itlMs: { p50: percentile(itls, 50), p99: percentile(itls, 99) },
    queueWaitMs: mean(ok, ({ queueWaitMs }) => queueWaitMs) ?? NaN,
    batchSize: mean(batches.values()) ?? NaN,
  };
}

/** A failed request's latency: no one waited less for it. Infinity itself would make interpolation give NaN. */
const INFINITELY_LATE: Millis = Number.MAX_VALUE;

/** Linear between the two nearest ranks (Hyndman and Fan's type 7, as NumPy's default and R's). */
function percentile(sorted: Millis[], percent: number): Percentile {
  const value = quantileSorted(sorted, percent / 100) ?? NaN;
  return {
    value: value > INFINITELY_LATE / 1e30 ? Infinity : value,
    fewSamples: sorted.length * (100 - percent) < 100,
  };
}
