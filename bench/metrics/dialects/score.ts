// @ts-types="@types/d3-array"
import { max, min, rollup, sum } from "d3-array";
import type { Slo } from "../../plan.ts";
import type { ReceivedChunk, Sample } from "../../record/sample.ts";
import { percentile } from "../../../src/percentile.ts";
import { chunkGapsMs, measuredRequests, statesLimits, turnsOf } from "../requests.ts";
import type { Difference } from "./notes.ts";

/** What tools give the same word to, in the order of a table's rows. A tool's figure stands in the row of its own word
 * for it, not of ours: that one word means two things is what the reader has to see. */
export const CONCEPTS = [
  ...(["TTFT", "TPOT", "ITL", "E2E"] as const).flatMap((word) =>
    (["mean", "p50", "p99"] as const).map((part) => `${word} ${part}` as const)
  ),
  "output tok/s",
  "req/s",
  "goodput",
] as const;

export type Concept = (typeof CONCEPTS)[number];

/** The rows of one word are empty for the same reason. */
export type Word = "TTFT" | "TPOT" | "ITL" | "E2E" | "goodput";

/** In which figures of different tools are compared. */
export function unitOf(concept: Concept): "ms" | "tok/s" | "req/s" {
  if (concept === "output tok/s") return "tok/s";
  return concept === "req/s" || concept === "goodput" ? "req/s" : "ms";
}

export type Unit = "ns" | "ms" | "s" | "tok/s" | "req/s";

export interface DialectFigure {
  /** The row in which it stands; undefined for a figure that has no equal among the others. */
  readonly concept: Concept | undefined;
  /** As the tool prints it. */
  readonly name: string;
  /** In `unit`. NaN: there is nothing to compute it from. */
  readonly value: number;
  readonly unit: Unit;
  readonly differs: readonly Difference[];
}

export interface DialectFigures {
  readonly figures: readonly DialectFigure[];
  /** Complete sentences on what the tool would say of the run besides its figures. */
  readonly remarks: readonly string[];
}

/** One tool's definitions, as a pure function of a recording. */
export interface Dialect {
  /** As a column's head. */
  readonly name: string;
  /** Why it has no figure of a word. */
  readonly without: Partial<Readonly<Record<Word, string>>>;
  /**
   * A round counts as one run of the tool: times are summed over the rounds, latencies put together.
   * @param samples of one cell; warm-up and interrupted requests are left out.
   * @param slo an empty one states no limit, and gives no goodput.
   */
  score(samples: readonly Sample[], slo: Slo): DialectFigures;
}

/** A successful request by a dialect's clock and chunks, in milliseconds, or in whole nanoseconds where it counts so. */
export interface Scored {
  readonly sample: Sample;
  readonly tokens: number;
  /** Undefined where no chunk counts. */
  readonly firstChunk: number | undefined;
  readonly lastChunk: number | undefined;
  /** Undefined for an answer in one piece, and for one without text. */
  readonly firstText: number | undefined;
  readonly end: number;
  readonly gaps: readonly number[];
}

/** What a request adds to a latency: one value, several or none. */
export interface Measure {
  of(request: Scored): number | readonly number[] | undefined;
  /** How often a request counts. @default once */
  weight?(request: Scored): number;
  /** It counts from the start of the request, so by the dialect's clock. @default false */
  readonly isFromStart?: boolean;
  readonly differs: readonly Difference[];
}

interface Latency {
  readonly word?: Exclude<Word, "goodput">;
  /** In the labels; where the mean has another name than the percentiles, both. */
  readonly name: string | readonly [mean: string, percentiles: string];
  /** @default the dialect's own unit */
  readonly unit?: "s";
  readonly measure: Measure;
}

/** A tool's definitions: what one differs in from another. */
export interface Choices extends Pick<Dialect, "name" | "without"> {
  /** From which instant a request's latencies count. */
  readonly clock: "intended" | "sent";
  /** The chunks that count: all that brought tokens, or those from the first text on. */
  readonly chunks: "all" | "from_text";
  /** An answer in which no chunk counts is a failure. @default false */
  readonly needsChunk?: boolean;
  /** The token of a one-token answer counts. @default true */
  readonly countsOneToken?: boolean;
  readonly unit: "ms" | "ns";
  readonly window: keyof typeof WINDOWS;
  /** The rate has one request less than there were in each round. @default false */
  readonly dropsOneRequest?: boolean;
  readonly percentile: keyof typeof PERCENTILES;
  /** What is printed for a latency without values. */
  readonly empty: number;
  /** Names of a mean, a median and a p99; `%` stands for that of the latency. */
  readonly labels: readonly [mean: string, p50: string, p99: string];
  readonly latencies: readonly Latency[];
  /** Those that it gives once more where requests failed, each failure at infinity. @default none */
  readonly adjusted?: readonly Latency[];
  readonly tokenRate: string;
  readonly requestRate: string;
  readonly goodput?: {
    readonly name: string;
    readonly limited: Readonly<Record<keyof Slo, Measure>>;
    /** What stands for a latency that a request doesn't have. */
    readonly missing: number;
    readonly differs: readonly Difference[];
  };
  remarks?(rounds: readonly (readonly Sample[])[], figures: readonly DialectFigure[], slo: Slo): string[];
}

interface Round {
  /** All requests that ended, well or badly, by intended instant. */
  readonly ended: readonly Sample[];
  readonly counted: readonly Scored[];
}

interface Window {
  /** The measured time of a round in milliseconds; a round without requests took none. */
  ms(round: Round): number;
  readonly differs: readonly Difference[];
}

const firstOf = (samples: readonly Sample[], at: "intendedAt" | "sentAt") =>
  min(samples, (one) => one[at]) ?? 0;
const lastEndOf = (samples: readonly Sample[]) => max(samples, ({ endedAt }) => endedAt) ?? 0;

const WINDOWS = {
  first_intended_to_last_end: {
    ms: ({ ended }) => lastEndOf(ended) - firstOf(ended, "intendedAt"),
    differs: [],
  },
  first_send_to_last_end: {
    ms: ({ ended }) => lastEndOf(ended) - firstOf(ended, "sentAt"),
    differs: ["time_from_send"],
  },
  first_send_to_last_chunk: {
    ms: ({ counted }) =>
      (max(counted, ({ sample, lastChunk = NaN }) => sample.sentAt + lastChunk) ?? 0) -
      firstOf(counted.map(({ sample }) => sample), "sentAt"),
    differs: ["time_of_answers"],
  },
  first_intended_to_end_of_last_scheduled: {
    ms: ({ ended, counted }) =>
      counted.length === 0 ? 0 : counted.at(-1)!.sample.endedAt - firstOf(ended, "intendedAt"),
    differs: ["time_to_last_scheduled", "drops_failed"],
  },
} satisfies Readonly<Record<string, Window>>;

type Weighted = readonly [value: number, weight: number];

/** `values` ascend. */
const PERCENTILES = {
  /** As NumPy's default, which is ours too. */
  linear: (values: readonly Weighted[], share: number) =>
    percentile(values.map(([value]) => value), 100 * share),
  lowest_that_reaches_share: lowestReaching,
  upper: (values: readonly Weighted[], share: number) =>
    values[Math.trunc(values.length * share)]?.[0] ?? NaN,
  /** NumPy's method "nearest": a rank halfway between two goes to the even one. */
  nearest: (values: readonly Weighted[], share: number) => {
    const rank = (values.length - 1) * share;
    const below = Math.floor(rank);
    const isUp = rank - below > 0.5 || (rank - below === 0.5 && below % 2 === 1);
    return values[isUp ? below + 1 : below]?.[0] ?? NaN;
  },
};

/** Shares are those of all weights, equal values together. */
function lowestReaching(values: readonly Weighted[], share: number): number {
  const weights = rollup(values, (equal) => sum(equal, ([, weight]) => weight), ([value]) => value);
  const total = sum(values, ([, weight]) => weight);
  let reached = 0;
  for (const [value, weight] of weights) {
    reached += weight / total;
    if (reached >= share) return value;
  }
  return values.at(-1)?.[0] ?? NaN;
}

export function dialectOf(choices: Choices): Dialect {
  const { name, without } = choices;
  return { name, without, score: (samples, slo) => score(choices, samples, slo) };
}

function score(choices: Choices, samples: readonly Sample[], slo: Slo): DialectFigures {
  const { latencies, adjusted = [], tokenRate, requestRate, dropsOneRequest = false, goodput } = choices;
  const rounds = turnsOf(measuredRequests(samples)).map(({ requests }): Round => ({
    ended: requests,
    counted: countedOf(requests, choices),
  }));
  const requests = rounds.flatMap(({ counted }) => counted);
  const failed = sum(rounds, ({ ended }) => ended.length) - requests.length;
  const window: Window = WINDOWS[choices.window];
  const seconds = sum(rounds, window.ms) / 1000;
  const figures = latencies.flatMap((latency) => latencyFigures(latency, choices, requests));
  if (failed > 0) figures.push(...adjusted.flatMap((one) => latencyFigures(one, choices, requests, failed)));
  const rate = (concept: Concept, name: string, amount: number, differs: readonly Difference[]) =>
    figures.push({
      ...{ concept, name, value: amount / seconds, unit: unitOf(concept) },
      differs: [...differs, ...window.differs],
    });
  const tokens = sum(requests, ({ tokens }) => tokens);
  rate("output tok/s", tokenRate, tokens, choices.countsOneToken === false ? ["one_token_is_none"] : []);
  const answered = sum(rounds, ({ counted }) => Math.max(0, counted.length - (dropsOneRequest ? 1 : 0)));
  rate("req/s", requestRate, answered, dropsOneRequest ? ["one_request_less"] : []);
  if (goodput && statesLimits(slo)) {
    const good = requests.filter((request) => isGood(request, goodput, slo)).length;
    rate("goodput", goodput.name, good, goodput.differs);
  }
  return { figures, remarks: choices.remarks?.(rounds.map(({ ended }) => ended), figures, slo) ?? [] };
}

function countedOf(ended: readonly Sample[], choices: Choices): Scored[] {
  return ended.filter(({ outcome }) => outcome === "ok").map((sample) => scoredOf(sample, choices))
    .filter(({ lastChunk }) => !choices.needsChunk || lastChunk !== undefined);
}

function scoredOf(sample: Sample, { clock, chunks, countsOneToken = true, unit }: Choices): Scored {
  const lateMs = clock === "intended" ? sample.sentAt - sample.intendedAt : 0;
  const time = (ms: number) => unit === "ns" ? Math.round((lateMs + ms) * 1e6) : lateMs + ms;
  const counting = chunksOf(sample).filter(([atMs]) =>
    chunks === "all" || sample.arrivals === null || atMs >= (sample.firstTextMs ?? Infinity)
  );
  const times = counting.map(([atMs]) => time(atMs));
  return {
    sample,
    tokens: sample.outputTokens === 1 && !countsOneToken ? 0 : sample.outputTokens,
    firstChunk: times[0],
    lastChunk: times.at(-1),
    firstText: sample.firstTextMs === null ? undefined : time(sample.firstTextMs),
    end: time(sample.endedAt - sample.sentAt),
    gaps: chunkGapsMs(counting),
  };
}

/** Chunks with tokens, counted from sending. An answer in one piece is one chunk, at its end. */
function chunksOf(sample: Sample): readonly ReceivedChunk[] {
  return sample.arrivals ?? [[sample.endedAt - sample.sentAt, sample.outputTokens]];
}

function isGood(request: Scored, { limited, missing }: NonNullable<Choices["goodput"]>, slo: Slo): boolean {
  return (["ttftMs", "tpotMs", "e2eMs"] as const).every((limit) => {
    const limitMs = slo[limit];
    return limitMs === undefined || Number(limited[limit].of(request) ?? missing) <= limitMs;
  });
}

/** @param failed as many values more, of Infinity; between one and that there is nothing, so percentiles are the nearest. */
function latencyFigures(
  { word, name, unit, measure }: Latency,
  { clock, labels, percentile, empty, ...choices }: Choices,
  requests: readonly Scored[],
  failed = 0,
): DialectFigure[] {
  const { weight = () => 1, isFromStart = false } = measure;
  const values = requests.flatMap((request) =>
    [measure.of(request) ?? []].flat().map((value): Weighted => [value, weight(request)])
  ).filter(([, weight]) => weight > 0);
  for (let each = 0; each < failed; each++) values.push([Infinity, 1]);
  values.sort(([a], [b]) => a - b);
  const mean = sum(values, ([value, weight]) => value * weight) / sum(values, ([, weight]) => weight);
  const method = failed > 0 ? "nearest" : percentile;
  const told = [mean, PERCENTILES[method](values, 0.5), PERCENTILES[method](values, 0.99)];
  const differs: Difference[] = [
    ...(clock === "sent" && isFromStart ? ["from_send" as const] : []),
    ...measure.differs,
    "drops_failed",
  ];
  const [ofMean, ofPercentiles] = typeof name === "string" ? [name, name] : name;
  return (["mean", "p50", "p99"] as const).map((part, at) => {
    const value = values.length > 0 ? told[at]! : empty;
    return {
      concept: word && `${word} ${part}`,
      name: labels[at]!.replace("%", part === "mean" ? ofMean : ofPercentiles),
      value: choices.unit === "ns" ? Math.trunc(value) : value,
      unit: unit ?? choices.unit,
      differs: part === "mean" || method === "linear" ? differs : [...differs, "no_interpolation"],
    };
  });
}
