import type { Slo } from "../../plan.ts";
import type { Sample } from "../../record/sample.ts";
import { statesLimits } from "../request.ts";
import {
  type Dialect,
  type DialectFigure,
  type DialectFigures,
  type Difference,
  latencyFigures,
} from "./dialect.ts";
import {
  chunksOf,
  endedByRound,
  gapsOf,
  linearPercentile,
  meanOf,
  outputTokensOf,
  secondsOf,
} from "./recorded.ts";

/**
 * `vllm bench serve`. Read in vllm-project/vllm: vllm/benchmarks/serve.py (`calculate_metrics`, `benchmark`) at 009e6d4a
 * and vllm/benchmarks/lib/endpoint_request_func.py (`async_request_openai_completions`) at 02cfb534.
 *
 * The clock of a request starts in the coroutine that sends it, so neither lateness nor the wait for `--max-concurrency`
 * is part of a latency. Every chunk with a choice counts, also one without text. The clock of the run starts before the
 * first request's delay and ends when the last one has ended, well or badly.
 */
export const vllm: Dialect = {
  name: "vLLM",
  read: "vllm-project/vllm, vllm/benchmarks/serve.py, 009e6d4a",
  without: {},
  score,
};

interface Request {
  readonly ttftMs: number;
  readonly latencyMs: number;
  /** Undefined for fewer than two tokens. */
  readonly tpotMs: number | undefined;
}

function score(samples: readonly Sample[], slo: Slo): DialectFigures {
  const rounds = endedByRound(samples);
  const seconds = secondsOf(rounds, ({ intendedAt }) => intendedAt, ({ endedAt }) => endedAt);
  const completed = rounds.flat().filter((sample) => sample.outcome === "ok" && chunksOf(sample).length > 0);
  const requests = completed.map(requestOf);
  const goodput: DialectFigure = {
    concept: "goodput",
    name: "Request goodput (req/s)",
    value: requests.filter((request) => isGood(request, slo)).length / seconds,
    unit: "req/s",
    definition:
      "Completed requests that kept every limit of --goodput, TPOT of a one-token answer being 0, " +
      "over the duration of the benchmark.",
    differs: ["from_send", "first_chunk", "to_last_chunk"],
  };
  return {
    figures: [
      {
        concept: "req/s",
        name: "Request throughput (req/s)",
        value: completed.length / seconds,
        unit: "req/s",
        definition: "Completed requests over the duration of the benchmark, from its start to its last end.",
        differs: [],
      },
      ...(statesLimits(slo) ? [goodput] : []),
      {
        concept: "output tok/s",
        name: "Output token throughput (tok/s)",
        value: outputTokensOf(completed) / seconds,
        unit: "tok/s",
        definition: "Output tokens of completed requests over the duration of the benchmark.",
        differs: [],
      },
      ...latency(
        "TTFT",
        "TTFT",
        "Send to first chunk, be its text empty or not.",
        requests.map(({ ttftMs }) => ttftMs),
        ["from_send", "first_chunk", "one_piece_is_a_chunk", "drops_failed"],
      ),
      ...latency(
        "TPOT",
        "TPOT",
        "First to last chunk / (output tokens - 1), of each request with two or more.",
        requests.flatMap(({ tpotMs }) => tpotMs ?? []),
        ["first_chunk", "to_last_chunk", "one_piece_is_a_chunk", "drops_failed"],
      ),
      ...latency(
        "ITL",
        "ITL",
        "Gaps between chunks, of all requests together.",
        completed.flatMap((sample) => gapsOf(chunksOf(sample))),
        ["gaps_of_chunks", "one_piece_is_a_chunk", "drops_failed"],
      ),
      ...latency(
        "E2E",
        "E2EL",
        "Send to last chunk.",
        requests.map(({ latencyMs }) => latencyMs),
        ["from_send", "to_last_chunk", "drops_failed"],
      ),
    ],
    remarks: [],
  };
}

function requestOf(sample: Sample): Request {
  const chunks = chunksOf(sample);
  const ttftMs = chunks[0]?.[0] ?? NaN;
  const latencyMs = chunks.at(-1)?.[0] ?? NaN;
  const { outputTokens } = sample;
  return {
    ttftMs,
    latencyMs,
    tpotMs: outputTokens > 1 ? (latencyMs - ttftMs) / (outputTokens - 1) : undefined,
  };
}

function isGood({ ttftMs, tpotMs = 0, latencyMs }: Request, slo: Slo): boolean {
  return ttftMs <= (slo.ttftMs ?? Infinity) && tpotMs <= (slo.tpotMs ?? Infinity) &&
    latencyMs <= (slo.e2eMs ?? Infinity);
}

/** Without a value it prints 0. */
function latency(
  concept: "TTFT" | "TPOT" | "ITL" | "E2E",
  name: string,
  definition: string,
  values: readonly number[],
  differs: readonly Difference[],
): DialectFigure[] {
  const told = values.length > 0 ? values : [0];
  return latencyFigures({
    concept,
    unit: "ms",
    definition,
    differs,
    percentilesDiffer: [],
    mean: [`Mean ${name} (ms)`, meanOf(told)],
    p50: [`Median ${name} (ms)`, linearPercentile(told, 50)],
    p99: [`P99 ${name} (ms)`, linearPercentile(told, 99)],
  });
}
