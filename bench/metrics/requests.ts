/** The requests of a cell: which are counted, in which order, and the figures of each. */
import type { Millis } from "../../src/core/types.ts";
import type { Slo } from "../plan.ts";
import type { Cell, ReceivedChunk, Sample } from "../record/sample.ts";

export function samplesOf(samples: readonly Sample[], { variant, load }: Cell): Sample[] {
  return samples.filter((sample) => sample.variant === variant && sample.load === load);
}

/**
 * The requests of a cell that figures are computed from: measured and ended, well or badly. Round after round, and in
 * each by intended instant, so that neighbours met the same queue; whatever order the recording has.
 */
export function measuredRequests(samples: readonly Sample[]): Sample[] {
  return samples
    .filter(({ phase, outcome }) => phase === "measured" && outcome !== "interrupted")
    .sort((a, b) =>
      a.round - b.round || a.intendedAt - b.intendedAt || a.index - b.index || a.endedAt - b.endedAt
    );
}

/** A cell's turn in one round; never empty. */
export interface Turn {
  readonly round: number;
  /** By intended instant. */
  readonly requests: readonly Sample[];
  readonly firstIntendedAt: Millis;
  readonly lastIntendedAt: Millis;
  /** First intended instant to last end. */
  readonly measuredMs: Millis;
}

/** @param requests as `measuredRequests` orders them. */
export function turnsOf(requests: readonly Sample[]): Turn[] {
  const turns: Turn[] = [];
  for (let start = 0, end; start < requests.length; start = end) {
    const round = requests[start]?.round ?? NaN;
    for (end = start; requests[end]?.round === round;) end++;
    turns.push(turnOf(round, requests.slice(start, end)));
  }
  return turns;
}

function turnOf(round: number, requests: readonly Sample[]): Turn {
  const firstIntendedAt = requests[0]?.intendedAt ?? NaN;
  const lastIntendedAt = requests.at(-1)?.intendedAt ?? NaN;
  const lastEnd = requests.reduce((last, { endedAt }) => Math.max(last, endedAt), -Infinity);
  return { round, requests, firstIntendedAt, lastIntendedAt, measuredMs: lastEnd - firstIntendedAt };
}

/** Time really spent in the system, which failures end too: what the laws of queues count, unlike percentiles. */
export function timeInSystemMs({ intendedAt, endedAt }: Sample): Millis {
  return endedAt - intendedAt;
}

/** The latencies of one request. Infinity: it failed, so what was waited for never came. */
export interface RequestFigures {
  /** Intended instant to end. */
  readonly e2eMs: Millis;
  /** Real send instant to end. */
  readonly sendToEndMs: Millis;
  /** Intended instant to first text; undefined where the answer came in one piece or without text. */
  readonly ttftMs: Millis | undefined;
  /** (E2E - TTFT) / (output tokens - 1); undefined without TTFT and for fewer than two tokens. */
  readonly tpotMs: Millis | undefined;
  /** Intended to real send instant. */
  readonly latenessMs: Millis;
}

/** Of a request that ended, well or badly; an interrupted one has no figures of use. */
export function requestFigures(sample: Sample): RequestFigures {
  const latenessMs = sample.sentAt - sample.intendedAt;
  if (sample.outcome !== "ok") {
    return { e2eMs: Infinity, sendToEndMs: Infinity, ttftMs: Infinity, tpotMs: Infinity, latenessMs };
  }
  const e2eMs = sample.endedAt - sample.intendedAt;
  const sendToEndMs = sample.endedAt - sample.sentAt;
  if (sample.firstTextMs === null) {
    return { e2eMs, sendToEndMs, ttftMs: undefined, tpotMs: undefined, latenessMs };
  }
  const ttftMs = latenessMs + sample.firstTextMs;
  const tpotMs = sample.outputTokens > 1 ? (e2eMs - ttftMs) / (sample.outputTokens - 1) : undefined;
  return { e2eMs, sendToEndMs, ttftMs, tpotMs, latenessMs };
}

/**
 * The gaps between the arrivals of a stream's tokens. A chunk of k tokens is k arrivals at one instant: k - 1 gaps of 0.
 * A failed request has one more, of Infinity, for the token that never came. Empty for an answer in one piece.
 */
export function itlGapsMs(sample: Sample): Millis[] {
  const gapsMs: Millis[] = [];
  let lastMs: Millis | undefined;
  for (const [atMs, tokens] of sample.arrivals ?? []) {
    if (tokens === 0) continue;
    if (lastMs !== undefined) gapsMs.push(atMs - lastMs);
    for (let token = 1; token < tokens; token++) gapsMs.push(0);
    lastMs = atMs;
  }
  if (sample.outcome === "failed") gapsMs.push(Infinity);
  return gapsMs;
}

/** The gaps between chunks, however many tokens each brought. */
export function chunkGapsMs(chunks: readonly ReceivedChunk[]): Millis[] {
  return chunks.slice(1).map(([atMs], index) => atMs - (chunks[index]?.[0] ?? atMs));
}

/**
 * The request kept every limit that is stated. A failed one kept none. The first text of an answer in one piece comes
 * with its end, so its E2E latency has to keep the limit of TTFT; no token comes after, so that of TPOT is kept.
 */
export function meetsSlo(sample: Sample, slo: Slo): boolean {
  if (sample.outcome !== "ok") return false;
  const { e2eMs, ttftMs = e2eMs, tpotMs = 0 } = requestFigures(sample);
  return e2eMs <= (slo.e2eMs ?? Infinity) && ttftMs <= (slo.ttftMs ?? Infinity) &&
    tpotMs <= (slo.tpotMs ?? Infinity);
}

export function statesLimits(slo: Slo): boolean {
  return Object.values(slo).some((limit) => limit !== undefined);
}

export interface LatencyMeasure {
  /** Of its distribution in a summary. */
  readonly key: string;
  /** What a request adds to the distribution: nothing, a value, or for ITL many; milliseconds. */
  of(request: Sample): readonly (Millis | undefined)[];
  /** Only an answer that came in pieces has it. */
  readonly isOfStreams?: boolean;
}

/** Each latency by the name that command lines have for it. */
export const LATENCIES = {
  e2e: { key: "e2eMs", of: (request) => [requestFigures(request).e2eMs] },
  send_to_end: { key: "sendToEndMs", of: (request) => [requestFigures(request).sendToEndMs] },
  ttft: { key: "ttftMs", of: (request) => [requestFigures(request).ttftMs], isOfStreams: true },
  tpot: { key: "tpotMs", of: (request) => [requestFigures(request).tpotMs], isOfStreams: true },
  itl: { key: "itlMs", of: itlGapsMs, isOfStreams: true },
  /** One that failed never left the queue for an answer. */
  queue: {
    key: "queueWaitMs",
    of: ({ outcome, queueWaitMs }) => [outcome === "ok" ? queueWaitMs ?? undefined : Infinity],
  },
  lateness: { key: "latenessMs", of: (request) => [requestFigures(request).latenessMs] },
} as const satisfies Readonly<Record<string, LatencyMeasure>>;

export type Latency = keyof typeof LATENCIES;

/** What a request adds to each rate, by its name and that of its figure in a summary; a failed one gave nothing. */
export const RATES = {
  req_s: { key: "requestRate", of: () => 1 },
  out_tok_s: { key: "outputTokenRate", of: ({ outputTokens }) => outputTokens },
  total_tok_s: { key: "totalTokenRate", of: ({ inputTokens, outputTokens }) => inputTokens + outputTokens },
} as const satisfies Readonly<Record<string, { readonly key: string; of(ok: Sample): number }>>;

export type Rate = keyof typeof RATES;
