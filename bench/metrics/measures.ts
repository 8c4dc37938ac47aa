import type { Sample } from "../record/sample.ts";
import { itlGapsMs, requestFigures } from "./request.ts";

/** What a request adds to each latency's distribution: nothing, a value, or for ITL many; milliseconds. */
export const LATENCIES = {
  e2e: (request) => [requestFigures(request).e2eMs],
  send_to_end: (request) => [requestFigures(request).sendToEndMs],
  ttft: (request) => valueIfAny(requestFigures(request).ttftMs),
  tpot: (request) => valueIfAny(requestFigures(request).tpotMs),
  itl: itlGapsMs,
  /** One that failed never left the queue for an answer. */
  queue: ({ outcome, queueWaitMs }) => valueIfAny(outcome === "ok" ? queueWaitMs : Infinity),
  lateness: (request) => [requestFigures(request).latenessMs],
} as const satisfies Readonly<Record<string, (request: Sample) => readonly number[]>>;

export type Latency = keyof typeof LATENCIES;

/** What only an answer that came in pieces has. */
export const OF_STREAMS: ReadonlySet<Latency> = new Set(["ttft", "tpot", "itl"]);

/** What a request adds to each rate; a failed one gave nothing. */
export const RATES = {
  req_s: ({ outcome }) => outcome === "ok" ? 1 : 0,
  out_tok_s: ({ outcome, outputTokens }) => outcome === "ok" ? outputTokens : 0,
  total_tok_s: ({ outcome, inputTokens, outputTokens }) => outcome === "ok" ? inputTokens + outputTokens : 0,
} as const satisfies Readonly<Record<string, (request: Sample) => number>>;

export type Rate = keyof typeof RATES;

function valueIfAny(value: number | null | undefined): readonly number[] {
  return value === null || value === undefined ? [] : [value];
}
