// @ts-types="@types/d3-array"
import { rollup, sum } from "d3-array";
import type { Sample } from "../../record/sample.ts";
import {
  type Dialect,
  type DialectFigure,
  type DialectFigures,
  type Difference,
  type LatencyFigures,
  latencyFigures,
} from "./dialect.ts";
import { endedByRound, outputTokensOf, secondsOf, textChunksOf } from "./recorded.ts";

/** A value, and how often it counts. */
type Weighted = readonly [value: number, weight: number];

/**
 * GuideLLM, its figures of `successful` requests. Read in vllm-project/guidellm v0.7.3-12 (ee7a7745):
 * src/guidellm/schemas/request_stats.py, schemas/statistics.py, benchmark/schemas/metrics.py,
 * benchmark/schemas/accumulator.py, backends/openai/http.py.
 *
 * The clock of a request starts when the HTTP request is made, and a chunk counts when its text is not empty. A figure of
 * tokens weighs a request by its tokens. A rate is the mean of a distribution over time, which comes to events over the
 * measured time: from the first send to the last end, well or badly (without its warm-up and cool-down).
 */
export const guidellm: Dialect = {
  name: "GuideLLM",
  read: "vllm-project/guidellm, src/guidellm/schemas/request_stats.py, v0.7.3-12-gee7a7745",
  without: { goodput: "GuideLLM has no goodput" },
  score,
};

function score(samples: readonly Sample[]): DialectFigures {
  const rounds = endedByRound(samples);
  const ok = rounds.flat().filter(({ outcome }) => outcome === "ok");
  const seconds = secondsOf(rounds, ({ sentAt }) => sentAt, ({ endedAt }) => endedAt);
  return {
    figures: [
      ...latency(
        {
          concept: "E2E",
          unit: "s",
          definition: "Send to the end of the stream, in seconds.",
          differs: ["from_send", "drops_failed"],
        },
        "Request Latency Sec",
        ok.map((sample) => [(sample.endedAt - sample.sentAt) / 1000, 1]),
      ),
      ...latency(
        {
          concept: "TTFT",
          unit: "ms",
          definition: "Send to the first chunk with text; 0 for an answer in one piece.",
          differs: ["from_send", "one_piece_is_zero", "drops_failed"],
        },
        "TTFT ms",
        ok.map((sample) => [sample.firstTextMs ?? 0, 1]),
      ),
      ...latency(
        {
          concept: "ITL",
          unit: "ms",
          definition: "First to last chunk with text / (output tokens - 1), weighted by these tokens.",
          differs: ["mean_of_request", "by_tokens", "text_only", "one_piece_is_zero", "drops_failed"],
        },
        "ITL ms",
        ok.map(interTokenLatency),
      ),
      ...latency(
        {
          concept: "TPOT",
          unit: "ms",
          definition: "Send to last chunk with text / output tokens, weighted by these tokens.",
          differs: ["with_first_token", "by_tokens", "from_send", "to_last_chunk", "drops_failed"],
        },
        "TPOT ms",
        ok.map(timePerOutputToken),
      ),
      {
        concept: "req/s",
        name: "Requests Per Sec Mean",
        value: ok.length / seconds,
        unit: "req/s",
        definition: "Successful requests, over first send to last end.",
        differs: ["time_from_send"],
      },
      {
        concept: "output tok/s",
        name: "Output Tokens Per Sec Mean",
        value: outputTokensOf(ok) / seconds,
        unit: "tok/s",
        definition: "Output tokens of successful requests, over first send to last end.",
        differs: ["time_from_send"],
      },
    ],
    remarks: [],
  };
}

function interTokenLatency(sample: Sample): Weighted {
  const chunks = sample.arrivals === null ? [] : textChunksOf(sample);
  const [first, last] = [chunks[0]?.[0], chunks.at(-1)?.[0]];
  const gaps = Math.max(sample.outputTokens, 1) - 1;
  return [first === undefined || last === undefined || gaps === 0 ? 0 : (last - first) / gaps, gaps];
}

function timePerOutputToken(sample: Sample): Weighted {
  const lastMs = textChunksOf(sample).at(-1)?.[0] ?? sample.endedAt - sample.sentAt;
  return [sample.outputTokens === 0 ? 0 : lastMs / sample.outputTokens, sample.outputTokens];
}

/** Without a value, or with weights of 0 alone, it gives 0. */
function latency(
  told: Pick<LatencyFigures, "concept" | "unit" | "definition" | "differs">,
  name: string,
  values: readonly Weighted[],
): DialectFigure[] {
  const shares = sharesOf(values);
  const percentilesDiffer: Difference[] = ["no_interpolation"];
  return latencyFigures({
    ...told,
    percentilesDiffer,
    mean: [`${name} Mean`, sum(shares, ([value, share]) => value * share)],
    p50: [`${name} Mdn`, lowestReaching(shares, 0.5)],
    p99: [`${name} p99`, lowestReaching(shares, 0.99)],
  });
}

/** Each value once, ascending, with its share of all weights. */
function sharesOf(values: readonly Weighted[]): Weighted[] {
  const weights = rollup(values, (equal) => sum(equal, ([, weight]) => weight), ([value]) => value);
  const counted = [...weights].filter(([, weight]) => weight > 0).sort(([a], [b]) => a - b);
  const total = sum(counted, ([, weight]) => weight);
  return counted.map(([value, weight]) => [value, weight / total]);
}

/** The lowest value at which the shares, summed up from below, reach `share`: an inverse of the empirical distribution. */
function lowestReaching(shares: readonly Weighted[], share: number): number {
  let reached = 0;
  for (const [value, part] of shares) {
    reached += part;
    if (reached >= share) return value;
  }
  return shares.at(-1)?.[0] ?? 0;
}
