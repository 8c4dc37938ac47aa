// @ts-types="@types/d3-array"
import { sum } from "d3-array";
import type { Slo } from "../../../bench/plan.ts";
import type { ReceivedChunk, Sample } from "../../../bench/record/sample.ts";
import { sampleOf } from "./sample.ts";
import type { Dialect } from "../../../bench/metrics/dialects/score.ts";

/** A successful answer of these chunks, intended and sent at 1000; its stream ends with the last chunk unless told. */
export function streamed(arrivals: readonly ReceivedChunk[], told: Partial<Sample> = {}): Sample {
  const sentAt = told.sentAt ?? told.intendedAt ?? 1000;
  return sampleOf({
    client: null,
    intendedAt: sentAt,
    sentAt,
    endedAt: sentAt + (arrivals.at(-1)?.[0] ?? 0),
    outputTokens: sum(arrivals, ([, tokens]) => tokens),
    firstTextMs: arrivals[0]?.[0] ?? null,
    arrivals,
    ...told,
  });
}

/**
 * The stream of docs/dialects.md. Sent 12 ms late; a first chunk at 40 ms whose one token has no text, a token at 60 ms,
 * four at 100 ms and four at 140 ms; the stream ends at 150 ms. All counted from sending.
 */
export const WORKED_EXAMPLE = streamed([[40, 1], [60, 1], [100, 4], [140, 4]], {
  intendedAt: 1000,
  sentAt: 1012,
  firstTextMs: 60,
  endedAt: 1162,
});

/** What the tool prints under that name. @throws when it prints no such line. */
export function printed(dialect: Dialect, name: string, samples: readonly Sample[], slo: Slo = {}): number {
  const { figures } = dialect.score(samples, slo);
  const figure = figures.find((figure) => figure.name === name);
  if (!figure) throw new Error(`no ${name} among ${figures.map(({ name }) => name).join(", ")}`);
  return Number(figure.value.toFixed(6));
}
