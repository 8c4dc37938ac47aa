import type { Slo } from "../../plan.ts";
import type { Sample } from "../../record/sample.ts";

/** What tools give the same word to, in the order of a table's rows. A tool's figure stands in the row of its own word
 * for it, not of ours: that one word means two things is what the reader has to see. */
export const CONCEPTS = [
  "TTFT mean",
  "TTFT p50",
  "TTFT p99",
  "TPOT mean",
  "TPOT p50",
  "TPOT p99",
  "ITL mean",
  "ITL p50",
  "ITL p99",
  "E2E mean",
  "E2E p50",
  "E2E p99",
  "output tok/s",
  "req/s",
  "goodput",
] as const;

export type Concept = (typeof CONCEPTS)[number];

/** The rows of one word are empty for the same reason. */
export type Word = "TTFT" | "TPOT" | "ITL" | "E2E" | "rate" | "goodput";

export function wordOf(concept: Concept): Word {
  if (concept === "goodput") return concept;
  return (["TTFT", "TPOT", "ITL", "E2E"] as const).find((word) => concept.startsWith(word)) ?? "rate";
}

/** In which figures of different tools are compared. */
export function unitOf(concept: Concept): "ms" | "tok/s" | "req/s" {
  if (concept === "output tok/s") return "tok/s";
  return concept === "req/s" || concept === "goodput" ? "req/s" : "ms";
}

/** Ways in which a definition departs from ours. Whether one shows in a recording is another matter: see `noteOf`. */
export type Difference =
  /** Counted from the real send instant. */
  | "from_send"
  /** Requests that failed are left out. */
  | "drops_failed"
  /** The first chunk with tokens counts, though it may have no text. */
  | "first_chunk"
  /** Chunks before the first text are none, though they may have tokens. */
  | "text_only"
  /** The last chunk with tokens counts, not the end of the stream. */
  | "to_last_chunk"
  /** The tokens of one chunk count as one. */
  | "gaps_of_chunks"
  /** Each request gives one value, the mean of its gaps. */
  | "mean_of_request"
  /** The time to the first token is part of it. */
  | "with_first_token"
  /** A request counts as often as it has tokens. */
  | "by_tokens"
  /** A percentile is one of the values, never between two. */
  | "no_interpolation"
  /** An answer in one piece counts with 0. */
  | "one_piece_is_zero"
  /** An answer in one piece counts as one chunk, at its end. */
  | "one_piece_is_a_chunk"
  /** A one-token answer counts with a negative value. */
  | "one_token_is_negative"
  /** The measured time goes from the first real send to the last end. */
  | "time_from_send"
  /** The measured time goes from the first real send to the last chunk of an answer. */
  | "time_of_answers"
  /** The measured time ends with the request that was scheduled last. */
  | "time_to_last_scheduled"
  /** The token of a one-token answer does not count. */
  | "one_token_is_none"
  /** One request less is counted than there were. */
  | "one_request_less"
  /** An answer without a TPOT, of one token, breaks its limit. */
  | "one_token_is_bad";

export type Unit = "ns" | "ms" | "s" | "tok/s" | "req/s";

export interface DialectFigure {
  /** The row in which it stands; null for a figure that has no equal among the others. */
  readonly concept: Concept | null;
  /** As the tool prints it. */
  readonly name: string;
  /** In `unit`. NaN: there is nothing to compute it from. */
  readonly value: number;
  readonly unit: Unit;
  /** One sentence. */
  readonly definition: string;
  readonly differs: readonly Difference[];
}

export interface DialectFigures {
  /** In the order in which the tool prints them. */
  readonly figures: readonly DialectFigure[];
  /** Complete sentences on what the tool would say of the run besides its figures. */
  readonly remarks: readonly string[];
}

/** One tool's definitions, as pure functions of a recording. */
export interface Dialect {
  /** As a column's head. */
  readonly name: string;
  /** Which source its definitions were read in: repository, version, commit. */
  readonly read: string;
  /** Why it has no figure of a word. */
  readonly without: Partial<Readonly<Record<Word, string>>>;
  /**
   * A round counts as one run of the tool: times are summed over the rounds, latencies put together.
   * @param samples of one cell; warm-up and interrupted requests are left out.
   * @param slo an empty one states no limit, and gives no goodput.
   */
  score(samples: readonly Sample[], slo: Slo): DialectFigures;
}

/** What a tool states of a latency: one value a request or a gap, told thrice. */
export interface LatencyFigures {
  /** "TTFT", "TPOT", "ITL", "E2E"; null for a latency that has no equal. */
  readonly concept: "TTFT" | "TPOT" | "ITL" | "E2E" | null;
  readonly unit: Unit;
  readonly definition: string;
  readonly differs: readonly Difference[];
  /** Only of percentiles. */
  readonly percentilesDiffer: readonly Difference[];
  readonly mean: readonly [name: string, value: number];
  readonly p50: readonly [name: string, value: number];
  readonly p99: readonly [name: string, value: number];
}

export function latencyFigures(told: LatencyFigures): DialectFigure[] {
  const { concept, unit, definition, differs, percentilesDiffer } = told;
  return (["mean", "p50", "p99"] as const).map((part) => ({
    concept: concept && `${concept} ${part}`,
    name: told[part][0],
    value: told[part][1],
    unit,
    definition,
    differs: part === "mean" ? differs : [...differs, ...percentilesDiffer],
  }));
}
