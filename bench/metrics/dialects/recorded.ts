// @ts-types="@types/d3-array"
import { max, min, sum } from "d3-array";
import type { Millis } from "../../../src/core/types.ts";
import type { ReceivedChunk, Sample } from "../../record/sample.ts";
import { percentile } from "../../../src/percentile.ts";
import { measuredRequests, turnsOf } from "../requests.ts";

/** The measured requests that ended, well or badly: one list for each round, by intended instant. */
export function endedByRound(samples: readonly Sample[]): (readonly Sample[])[] {
  return turnsOf(measuredRequests(samples)).map(({ requests }) => requests);
}

/** Over the rounds, from the earliest `from` to the latest `to` of each. A round without requests took no time. */
export function secondsOf(
  rounds: readonly (readonly Sample[])[],
  from: (sample: Sample) => number,
  to: (sample: Sample) => number,
): number {
  return sum(rounds, (samples) => (max(samples, to) ?? 0) - (min(samples, from) ?? 0)) / 1000;
}

export function outputTokensOf(samples: readonly Sample[]): number {
  return sum(samples, ({ outputTokens }) => outputTokens);
}

/** Chunks with tokens, counted from sending. An answer in one piece is one chunk, at its end. */
export function chunksOf(sample: Sample): readonly ReceivedChunk[] {
  return sample.arrivals ?? [[sample.endedAt - sample.sentAt, sample.outputTokens]];
}

/** Those from the first text on: which of the later chunks have text is not recorded, so they all count as such. */
export function textChunksOf(sample: Sample): readonly ReceivedChunk[] {
  if (sample.arrivals === null) return chunksOf(sample);
  const { firstTextMs } = sample;
  return firstTextMs === null ? [] : sample.arrivals.filter(([atMs]) => atMs >= firstTextMs);
}

export function gapsOf(chunks: readonly ReceivedChunk[]): Millis[] {
  return chunks.slice(1).map(([atMs], index) => atMs - (chunks[index]?.[0] ?? atMs));
}

export function meanOf(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** As NumPy's default, which is ours too. */
export function linearPercentile(values: readonly number[], percent: number): number {
  return percentile(values.toSorted((a, b) => a - b), percent);
}
