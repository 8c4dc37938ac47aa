import type { Slo } from "../../plan.ts";
import type { Sample } from "../../record/sample.ts";
import { statesLimits } from "../request.ts";
import {
  type Dialect,
  type DialectFigure,
  type DialectFigures,
  type LatencyFigures,
  latencyFigures,
} from "./dialect.ts";
import {
  endedByRound,
  gapsOf,
  linearPercentile,
  meanOf,
  outputTokensOf,
  secondsOf,
  textChunksOf,
} from "./recorded.ts";

/**
 * NVIDIA AIPerf, formerly genai-perf. Read in ai-dynamo/aiperf, one stored commit a file and no single release (its
 * pyproject.toml at 01b09728 says 0.8.0). In src/aiperf/metrics/types: ttft_metric.py and inter_chunk_latency_metric.py at
 * 58028d5b, inter_token_latency_metric.py at 58dd5dea, request_latency_metric.py at 4f7ccffd, good_request_count_metric.py
 * at cf79369e, min_request_metric.py and max_response_metric.py at 533b2050, adjusted_latency_metrics.py at aee7c646; in
 * src/aiperf/metrics: metric_dicts.py at 0fec57a6, derived_latency.py at 19a5101a; and throughput, duration and goodput in
 * aiperf/metrics/types of the earlier layout at db4f6397.
 *
 * The clock of a request starts when a worker sends it, and a chunk counts when its text is not empty. Its word for our
 * TPOT is Inter Token Latency, and for gaps Inter Chunk Latency. Failed requests are left out of these; where there are
 * some, it gives the same figures once more with each failure at infinity.
 */
export const aiperf: Dialect = {
  name: "AIPerf",
  read: "ai-dynamo/aiperf, src/aiperf/metrics/types, 58028d5b and others",
  without: { TPOT: "AIPerf's word for TPOT is Inter Token Latency" },
  score,
};

interface Request {
  /** Undefined for an answer in one piece. */
  readonly ttftMs: number | undefined;
  readonly latencyMs: number;
  /** Undefined without TTFT and for fewer than two tokens. */
  readonly itlMs: number | undefined;
}

function score(samples: readonly Sample[], slo: Slo): DialectFigures {
  const rounds = endedByRound(samples);
  const validRounds = rounds.map((round) => round.filter(isValid));
  const valid = validRounds.flat();
  const failed = rounds.flat().length - valid.length;
  const seconds = secondsOf(
    validRounds,
    ({ sentAt }) => sentAt,
    (sample) => sample.sentAt + latencyMsOf(sample),
  );
  const requests = valid.map(requestOf);
  const ttftsMs = requests.flatMap(({ ttftMs }) => ttftMs ?? []);
  const latenciesMs = requests.map(({ latencyMs }) => latencyMs);
  const rates = { differs: ["time_of_answers"] } as const;
  const goodput: DialectFigure = {
    concept: "goodput",
    name: "Goodput",
    value: requests.filter((request) => isGood(request, slo)).length / seconds,
    unit: "req/s",
    definition: "Valid requests that kept every limit of --goodput, one without that figure not, " +
      "over first send to last chunk.",
    differs: [
      "from_send",
      "to_last_chunk",
      ...(slo.tpotMs === undefined ? [] : ["one_token_is_bad" as const]),
      "time_of_answers",
    ],
  };
  return {
    figures: [
      ...latency(
        {
          concept: "TTFT",
          definition: "Send to the first chunk with text.",
          differs: ["from_send", "drops_failed"],
        },
        "Time to First Token",
        ttftsMs,
      ),
      ...(failed > 0 ? adjusted("Time to First Token", ttftsMs, failed) : []),
      ...latency(
        {
          concept: "E2E",
          definition: "Send to the last chunk with text.",
          differs: ["from_send", "to_last_chunk", "drops_failed"],
        },
        "Request Latency",
        latenciesMs,
      ),
      ...(failed > 0 ? adjusted("Request Latency", latenciesMs, failed) : []),
      ...latency(
        {
          concept: "ITL",
          definition:
            "First to last chunk with text / (output tokens - 1), of each request with two or more.",
          differs: ["mean_of_request", "text_only", "drops_failed"],
        },
        "Inter Token Latency",
        requests.flatMap(({ itlMs }) => itlMs ?? []),
      ),
      ...latency(
        {
          concept: null,
          definition: "Gaps between chunks with text, of all requests together.",
          differs: ["gaps_of_chunks", "text_only", "drops_failed"],
        },
        "Inter Chunk Latency",
        valid.flatMap((sample) => gapsOf(textChunksOf(sample))),
      ),
      {
        concept: "output tok/s",
        name: "Output Token Throughput",
        value: outputTokensOf(valid) / seconds,
        unit: "tok/s",
        definition: "Output tokens of valid requests, over their first send to their last chunk.",
        ...rates,
      },
      {
        concept: "req/s",
        name: "Request Throughput",
        value: valid.length / seconds,
        unit: "req/s",
        definition: "Valid requests, over their first send to their last chunk.",
        ...rates,
      },
      ...(statesLimits(slo) ? [goodput] : []),
    ],
    remarks: [],
  };
}

/** A record without content is an error to it. */
function isValid(sample: Sample): boolean {
  return sample.outcome === "ok" && textChunksOf(sample).length > 0;
}

function latencyMsOf(sample: Sample): number {
  return textChunksOf(sample).at(-1)?.[0] ?? NaN;
}

function requestOf(sample: Sample): Request {
  const latencyMs = latencyMsOf(sample);
  const ttftMs = sample.firstTextMs ?? undefined;
  const { outputTokens } = sample;
  const itlMs = ttftMs === undefined || outputTokens < 2
    ? undefined
    : (latencyMs - ttftMs) / (outputTokens - 1);
  return { ttftMs, latencyMs, itlMs };
}

function isGood({ ttftMs = Infinity, itlMs = Infinity, latencyMs }: Request, slo: Slo): boolean {
  return (slo.ttftMs === undefined || ttftMs <= slo.ttftMs) &&
    (slo.tpotMs === undefined || itlMs <= slo.tpotMs) &&
    (slo.e2eMs === undefined || latencyMs <= slo.e2eMs);
}

function latency(
  told: Pick<LatencyFigures, "concept" | "definition" | "differs">,
  name: string,
  values: readonly number[],
): DialectFigure[] {
  return latencyFigures({
    ...told,
    unit: "ms",
    percentilesDiffer: [],
    mean: [`${name} avg (ms)`, meanOf(values)],
    p50: [`${name} p50 (ms)`, linearPercentile(values, 50)],
    p99: [`${name} p99 (ms)`, linearPercentile(values, 99)],
  });
}

/** Percentiles of these are the nearest of the values: between one and infinity there is nothing. */
function adjusted(name: string, values: readonly number[], failed: number): DialectFigure[] {
  const sorted = [...values, ...Array.from({ length: failed }, () => Infinity)].sort((a, b) => a - b);
  return latencyFigures({
    concept: null,
    unit: "ms",
    definition: `${name} with each failed request at infinity.`,
    differs: ["from_send"],
    percentilesDiffer: ["no_interpolation"],
    mean: [`${name} (error-adjusted) avg (ms)`, meanOf(sorted)],
    p50: [`${name} (error-adjusted) p50 (ms)`, nearest(sorted, 50)],
    p99: [`${name} (error-adjusted) p99 (ms)`, nearest(sorted, 99)],
  });
}

/** NumPy's method "nearest": a rank halfway between two goes to the even one. */
function nearest(sorted: readonly number[], percent: number): number {
  const rank = (sorted.length - 1) * percent / 100;
  const below = Math.floor(rank);
  const up = rank - below > 0.5 || (rank - below === 0.5 && below % 2 === 1);
  return sorted[up ? below + 1 : below] ?? NaN;
}
