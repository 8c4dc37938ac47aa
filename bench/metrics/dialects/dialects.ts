/** The definitions of each tool, read in its source (docs/dialects.md says where), and our own told as one more. */
// @ts-types="@types/d3-array"
import { max } from "d3-array";
import type { Sample } from "../../record/sample.ts";
import { type FigureName, statisticOf } from "../figure_names.ts";
import {
  type Concept,
  CONCEPTS,
  type Dialect,
  type DialectFigure,
  dialectOf,
  type Measure,
  unitOf,
} from "./score.ts";

/** The values are those of summary.json. */
export const ours: Dialect = {
  name: "Omnispan",
  without: {},
  score: (samples, slo) => ({
    figures: CONCEPTS.map((concept) => {
      const name = ownName(concept);
      return { concept, name, value: statisticOf(name, slo)(samples), unit: unitOf(concept), differs: [] };
    }),
    remarks: [],
  }),
};

function ownName(concept: Concept): FigureName {
  const rates: Partial<Record<Concept, FigureName>> = { "output tok/s": "out_tok_s", "req/s": "req_s" };
  return rates[concept] ?? concept.toLowerCase().replace(" ", "_") as FigureName;
}

const TO_FIRST_CHUNK: Measure = {
  of: ({ firstChunk, end }) => firstChunk ?? end,
  isFromStart: true,
  differs: ["first_chunk", "one_piece_is_a_chunk"],
};
const TO_FIRST_TEXT: Measure = { of: ({ firstText }) => firstText, isFromStart: true, differs: [] };
const TO_LAST_CHUNK: Measure = {
  of: ({ lastChunk }) => lastChunk,
  isFromStart: true,
  differs: ["to_last_chunk"],
};
const TO_END: Measure = { of: ({ end }) => end, isFromStart: true, differs: [] };
const GAPS_OF_CHUNKS: Measure = {
  of: ({ gaps }) => gaps,
  differs: ["gaps_of_chunks", "one_piece_is_a_chunk"],
};
/** First to last chunk, evenly over the tokens after the first. */
const PER_LATER_TOKEN: Measure = {
  of: ({ tokens, firstChunk = NaN, lastChunk = NaN }) =>
    tokens < 2 ? undefined : (lastChunk - firstChunk) / (tokens - 1),
  differs: ["first_chunk", "to_last_chunk", "one_piece_is_a_chunk"],
};

/**
 * `vllm bench serve`. The clock of a request starts in the coroutine that sends it, so neither lateness nor the wait for
 * `--max-concurrency` is part of a latency. Every chunk with a choice counts, also one without text. The clock of the run
 * starts before the first request's delay and ends when the last one has ended, well or badly.
 */
export const vllm = dialectOf({
  name: "vLLM",
  without: {},
  clock: "sent",
  chunks: "all",
  needsChunk: true,
  unit: "ms",
  window: "first_intended_to_last_end",
  percentile: "linear",
  empty: 0,
  labels: ["Mean % (ms)", "Median % (ms)", "P99 % (ms)"],
  latencies: [
    { word: "TTFT", name: "TTFT", measure: TO_FIRST_CHUNK },
    { word: "TPOT", name: "TPOT", measure: PER_LATER_TOKEN },
    { word: "ITL", name: "ITL", measure: GAPS_OF_CHUNKS },
    { word: "E2E", name: "E2EL", measure: TO_LAST_CHUNK },
  ],
  tokenRate: "Output token throughput (tok/s)",
  requestRate: "Request throughput (req/s)",
  goodput: {
    name: "Request goodput (req/s)",
    limited: { ttftMs: TO_FIRST_CHUNK, tpotMs: PER_LATER_TOKEN, e2eMs: TO_LAST_CHUNK },
    missing: 0,
    differs: ["from_send", "first_chunk", "to_last_chunk"],
  },
});

/**
 * GuideLLM, its figures of `successful` requests. The clock of a request starts when the HTTP request is made, and a chunk
 * counts when its text is not empty. A figure of tokens weighs a request by its tokens. A rate is the mean of a distribution
 * over time, which comes to events over the measured time (without its warm-up and cool-down).
 */
export const guidellm = dialectOf({
  name: "GuideLLM",
  without: { goodput: "GuideLLM has no goodput" },
  clock: "sent",
  chunks: "from_text",
  unit: "ms",
  window: "first_send_to_last_end",
  percentile: "lowest_that_reaches_share",
  empty: 0,
  labels: ["% Mean", "% Mdn", "% p99"],
  latencies: [
    {
      word: "E2E",
      name: "Request Latency Sec",
      unit: "s",
      measure: { ...TO_END, of: ({ end }) => end / 1000 },
    },
    {
      word: "TTFT",
      name: "TTFT ms",
      measure: {
        of: ({ firstText = 0 }) => firstText,
        isFromStart: true,
        differs: ["one_piece_is_zero"],
      },
    },
    {
      word: "ITL",
      name: "ITL ms",
      measure: {
        of: ({ tokens, firstChunk = 0, lastChunk = 0 }) => (lastChunk - firstChunk) / Math.max(1, tokens - 1),
        weight: ({ tokens }) => tokens - 1,
        differs: ["mean_of_request", "by_tokens", "text_only", "one_piece_is_zero"],
      },
    },
    {
      word: "TPOT",
      name: "TPOT ms",
      measure: {
        of: ({ lastChunk, end, tokens }) => (lastChunk ?? end) / tokens,
        weight: ({ tokens }) => tokens,
        isFromStart: true,
        differs: ["with_first_token", "by_tokens", "to_last_chunk"],
      },
    },
  ],
  tokenRate: "Output Tokens Per Sec Mean",
  requestRate: "Requests Per Sec Mean",
});

const AIPERF_TTFT = { word: "TTFT", name: "Time to First Token", measure: TO_FIRST_TEXT } as const;
const AIPERF_E2E = { word: "E2E", name: "Request Latency", measure: TO_LAST_CHUNK } as const;
/** An answer in one piece has none. */
const AIPERF_ITL: Measure = {
  of: ({ tokens, firstText, lastChunk = NaN }) =>
    firstText === undefined || tokens < 2 ? undefined : (lastChunk - firstText) / (tokens - 1),
  differs: ["mean_of_request", "text_only"],
};

/**
 * NVIDIA AIPerf, formerly genai-perf. The clock of a request starts when a worker sends it, and a chunk counts when its text
 * is not empty. Its word for our TPOT is Inter Token Latency, and for gaps Inter Chunk Latency. Failed requests are left out
 * of these; where there are some, it gives the same figures once more with each failure at infinity.
 */
export const aiperf = dialectOf({
  name: "AIPerf",
  without: { TPOT: "AIPerf's word for TPOT is Inter Token Latency" },
  clock: "sent",
  chunks: "from_text",
  needsChunk: true,
  unit: "ms",
  window: "first_send_to_last_chunk",
  percentile: "linear",
  empty: NaN,
  labels: ["% avg (ms)", "% p50 (ms)", "% p99 (ms)"],
  latencies: [
    AIPERF_TTFT,
    AIPERF_E2E,
    { word: "ITL", name: "Inter Token Latency", measure: AIPERF_ITL },
    { name: "Inter Chunk Latency", measure: GAPS_OF_CHUNKS },
  ],
  adjusted: [AIPERF_TTFT, AIPERF_E2E].map(({ name, measure }) => ({
    name: `${name} (error-adjusted)`,
    measure,
  })),
  tokenRate: "Output Token Throughput",
  requestRate: "Request Throughput",
  goodput: {
    name: "Goodput",
    limited: { ttftMs: TO_FIRST_TEXT, tpotMs: AIPERF_ITL, e2eMs: TO_LAST_CHUNK },
    missing: Infinity,
    differs: ["from_send", "to_last_chunk", "one_token_is_bad"],
  },
});

/**
 * MLPerf LoadGen, server scenario with token latencies. Every latency counts from the scheduled instant, as ours does. The
 * system under test reports the first token and the end; LoadGen sees no token between. Whole nanoseconds throughout: means
 * and TPOT are cut, not rounded.
 */
export const mlperf = dialectOf({
  name: "LoadGen",
  without: {
    ITL: "LoadGen sees the first token and the end of an answer, no token between",
    goodput: "LoadGen has no goodput: a run keeps its limits or is invalid",
  },
  clock: "intended",
  chunks: "all",
  countsOneToken: false,
  unit: "ns",
  window: "first_intended_to_end_of_last_scheduled",
  dropsOneRequest: true,
  percentile: "upper",
  empty: NaN,
  labels: ["Mean % (ns)", "50.00 percentile % (ns)", "99.00 percentile % (ns)"],
  latencies: [
    { word: "E2E", name: "latency", measure: TO_END },
    { word: "TTFT", name: ["First Token latency", "first token latency"], measure: TO_FIRST_CHUNK },
    {
      word: "TPOT",
      name: ["Time per Output Token", "time to output token"],
      measure: {
        of: ({ firstChunk, end, tokens }) => Math.trunc((end - (firstChunk ?? end)) / (tokens - 1)),
        differs: ["first_chunk", "one_piece_is_a_chunk", "one_token_is_negative"],
      },
    },
  ],
  tokenRate: "Completed tokens per second",
  requestRate: "Completed samples per second",
  remarks: (rounds, figures, slo) => [
    ...(rounds.flat().some(({ outcome }) => outcome === "ok") ? loadRemarks(rounds) : []),
    ...overLimit("TTFT", figures, slo.ttftMs ?? TTFT_LIMIT_MS),
    ...overLimit("TPOT", figures, slo.tpotMs ?? TPOT_LIMIT_MS),
  ],
});

/** Of llama2-70b in the server scenario (mlperf.conf), for a plan that states none. */
const [TTFT_LIMIT_MS, TPOT_LIMIT_MS] = [2000, 200];
/** From the start to the instant for which the last query was scheduled (mlperf.conf, `*.Server.min_duration`). */
const MIN_DURATION_SECONDS = 600;

/** What makes it no run of LoadGen's, whatever its latencies. */
function loadRemarks(rounds: readonly (readonly Sample[])[]): string[] {
  const ended = rounds.flat();
  const failed = ended.filter(({ outcome }) => outcome === "failed").length;
  const single = ended.filter(({ outcome, outputTokens }) => outcome === "ok" && outputTokens === 1).length;
  const longest = (max(rounds, (round) => round.at(-1)!.intendedAt - round[0]!.intendedAt) ?? 0) / 1000;
  const remarks = [
    ended.some(({ client }) => client !== null) &&
    "the server scenario is an open loop with Poisson arrivals, and this is a closed loop.",
    longest < MIN_DURATION_SECONDS &&
    `INVALID, the last query is scheduled ${longest.toFixed(1)} s after the first; ` +
      `min_duration is ${MIN_DURATION_SECONDS} s.`,
    failed > 0 &&
    `knows no failure and would wait for ${failed} answers; its figures are those of the others.`,
    single > 0 && `logs an error for each of ${single} one-token answers and counts their tokens as none.`,
  ];
  return remarks.flatMap((remark) => remark ? [`LoadGen: ${remark}`] : []);
}

function overLimit(word: "TTFT" | "TPOT", figures: readonly DialectFigure[], limitMs: number): string[] {
  const p99Ms = (figures.find(({ concept }) => concept === `${word} p99`)?.value ?? NaN) / 1e6;
  if (!(p99Ms > limitMs)) return [];
  return [
    `LoadGen: INVALID, ${word} of the 99th percentile is ${p99Ms.toFixed(1)} ms; its limit is ${limitMs} ms.`,
  ];
}
