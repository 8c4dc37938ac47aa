// @ts-types="@types/d3-array"
import { max, sum } from "d3-array";
import type { Slo } from "../../plan.ts";
import type { Sample } from "../../record/sample.ts";
import {
  type Dialect,
  type DialectFigure,
  type DialectFigures,
  type Difference,
  latencyFigures,
} from "./dialect.ts";
import { chunksOf, endedByRound, secondsOf } from "./recorded.ts";

/**
 * MLPerf LoadGen, server scenario with token latencies. Read in mlcommons/inference (b66003e1), LoadGen 6.0.17:
 * loadgen/results.cc, loadgen.cc, logging.cc, issue_query_controller.cc, mlperf.conf; language/llama2-70b/SUT_API.py.
 *
 * Every latency counts from the scheduled instant, as ours does. The system under test reports the first token and the
 * end; LoadGen sees no token between. Whole nanoseconds throughout: means and TPOT are cut, not rounded.
 */
export const mlperf: Dialect = {
  name: "LoadGen",
  read: "mlcommons/inference, loadgen/results.cc and logging.cc, LoadGen 6.0.17, b66003e1",
  without: {
    ITL: "LoadGen sees the first token and the end of an answer, no token between",
    goodput: "LoadGen has no goodput: a run keeps its limits or is invalid",
  },
  score,
};

/** Of llama2-70b in the server scenario (mlperf.conf), for a plan that states none. */
const TTFT_LIMIT_MS = 2000;
const TPOT_LIMIT_MS = 200;
/** From the start to the instant for which the last query was scheduled (mlperf.conf, `*.Server.min_duration`). */
const MIN_DURATION_SECONDS = 600;

interface Query {
  readonly ttftNs: number;
  readonly latencyNs: number;
  readonly tpotNs: number;
  readonly tokens: number;
}

function score(samples: readonly Sample[], slo: Slo): DialectFigures {
  const rounds = endedByRound(samples);
  const okRounds = rounds.filter((round) => round.some(isOk));
  const ok = okRounds.flat().filter(isOk);
  const queries = ok.map(queryOf);
  const seconds = sum(okRounds, secondsToLastScheduled);
  const ttfts = latency(
    "TTFT",
    ["Mean First Token latency", "percentile first token latency"],
    "Scheduled instant to first token, as the system under test reports it.",
    queries.map(({ ttftNs }) => ttftNs),
    ["first_chunk", "one_piece_is_a_chunk", "drops_failed"],
  );
  const tpots = latency(
    "TPOT",
    ["Mean Time per Output Token", "percentile time to output token"],
    "(Latency - first token latency) / (tokens - 1), a single token counting as none.",
    queries.map(({ tpotNs }) => tpotNs),
    ["first_chunk", "one_piece_is_a_chunk", "one_token_is_negative", "drops_failed"],
  );
  return {
    figures: [
      {
        concept: "req/s",
        name: "Completed samples per second",
        value: (ok.length - okRounds.length) / seconds,
        unit: "req/s",
        definition: "One query less than there were, over the start to the end of the query scheduled last.",
        differs: ["one_request_less", "time_to_last_scheduled", "drops_failed"],
      },
      ...latency(
        "E2E",
        ["Mean latency", "percentile latency"],
        "Scheduled instant to end.",
        queries.map(({ latencyNs }) => latencyNs),
        ["drops_failed"],
      ),
      {
        concept: "output tok/s",
        name: "Completed tokens per second",
        value: sum(queries, ({ tokens }) => tokens) / seconds,
        unit: "tok/s",
        definition:
          "Tokens, a single one counting as none, over the start to the end of the query scheduled last.",
        differs: ["time_to_last_scheduled", "one_token_is_none", "drops_failed"],
      },
      ...ttfts,
      ...tpots,
    ],
    remarks: ok.length === 0 ? [] : [
      ...asALoad(rounds),
      ...overLimit("TTFT", ttfts, slo.ttftMs ?? TTFT_LIMIT_MS),
      ...overLimit("TPOT", tpots, slo.tpotMs ?? TPOT_LIMIT_MS),
    ],
  };
}

function isOk({ outcome }: Sample): boolean {
  return outcome === "ok";
}

function queryOf(sample: Sample): Query {
  const latencyNs = nanoseconds(sample.endedAt - sample.intendedAt);
  const firstMs = chunksOf(sample)[0]?.[0] ?? sample.endedAt - sample.sentAt;
  const ttftNs = nanoseconds(sample.sentAt - sample.intendedAt + firstMs);
  const tokens = sample.outputTokens === 1 ? 0 : sample.outputTokens;
  return { ttftNs, latencyNs, tpotNs: Math.trunc((latencyNs - ttftNs) / (tokens - 1)), tokens };
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** @param round by scheduled instant. */
function secondsToLastScheduled(round: readonly Sample[]): number {
  return ((round.findLast(isOk)?.endedAt ?? NaN) - (round[0]?.intendedAt ?? NaN)) / 1000;
}

/** What makes it no run of LoadGen's, whatever its latencies. */
function asALoad(rounds: readonly (readonly Sample[])[]): string[] {
  const ended = rounds.flat();
  const failed = ended.filter(({ outcome }) => outcome === "failed").length;
  const single = ended.filter(({ outcome, outputTokens }) => outcome === "ok" && outputTokens === 1).length;
  const longest = max(rounds, (round) => {
    return secondsOf([round], ({ intendedAt }) => intendedAt, ({ intendedAt }) => intendedAt);
  }) ?? 0;
  return [
    ...(ended.some(({ client }) => client !== null)
      ? ["LoadGen: the server scenario is an open loop with Poisson arrivals, and this is a closed loop."]
      : []),
    ...(longest < MIN_DURATION_SECONDS
      ? [
        `LoadGen: INVALID, the last query is scheduled ${longest.toFixed(1)} s after the first; ` +
        `min_duration is ${MIN_DURATION_SECONDS} s.`,
      ]
      : []),
    ...(failed > 0
      ? [
        `LoadGen: knows no failure and would wait for ${failed} answers; its figures are those of the others.`,
      ]
      : []),
    ...(single > 0
      ? [`LoadGen: logs an error for each of ${single} one-token answers and counts their tokens as none.`]
      : []),
  ];
}

function overLimit(word: string, figures: readonly DialectFigure[], limitMs: number): string[] {
  const p99Ms = (figures.at(-1)?.value ?? NaN) / 1e6;
  return p99Ms > limitMs
    ? [
      `LoadGen: INVALID, ${word} of the 99th percentile is ${
        p99Ms.toFixed(1)
      } ms; its limit is ${limitMs} ms.`,
    ]
    : [];
}

function latency(
  concept: "TTFT" | "TPOT" | "E2E",
  [mean, percentile]: readonly [mean: string, percentile: string],
  definition: string,
  values: readonly number[],
  differs: readonly Difference[],
): DialectFigure[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.trunc(sorted.length * share)] ?? NaN;
  return latencyFigures({
    concept,
    unit: "ns",
    definition,
    differs,
    percentilesDiffer: ["no_interpolation"],
    mean: [`${mean} (ns)`, Math.trunc(sum(values) / values.length)],
    p50: [`50.00 ${percentile} (ns)`, at(0.5)],
    p99: [`99.00 ${percentile} (ns)`, at(0.99)],
  });
}
