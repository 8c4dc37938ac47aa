// @ts-types="@types/d3-array"
import { max, mean, min } from "d3-array";
import type { Sample } from "../../record/sample.ts";
import { counted, ms } from "../../words.ts";
import type { Difference } from "./dialect.ts";
import { endedByRound, gapsOf } from "./recorded.ts";

/** What of a recording makes definitions differ. Times are means, in milliseconds. */
export interface Traits {
  readonly rounds: number;
  readonly successful: number;
  readonly failed: number;
  /** Of successful requests. */
  readonly latenessMs: number;
  /** First intended instant of a round to its first real send. */
  readonly startLatenessMs: number;
  /** End of the last scheduled request that succeeded to the last end of a round. NaN where a round has none. */
  readonly afterLastScheduledMs: number;
  /** Streams whose first chunk had tokens but no text, and how long they went on so. */
  readonly mute: number;
  readonly muteMs: number;
  /** Last chunk to the end of the stream. */
  readonly tailMs: number;
  readonly chunks: number;
  /** Chunks of several tokens. */
  readonly bundles: number;
  readonly unevenGaps: boolean;
  readonly unevenLengths: boolean;
  readonly onePiece: number;
  readonly oneToken: number;
}

/** Below it, a difference in time is none that a table shows. */
const VISIBLE_MS = 0.05;

export function traitsOf(samples: readonly Sample[]): Traits {
  const rounds = endedByRound(samples);
  const ended = rounds.flat();
  const ok = ended.filter(({ outcome }) => outcome === "ok");
  const streams = ok.flatMap((sample) =>
    sample.arrivals?.length ? [{ ...sample, arrivals: sample.arrivals }] : []
  );
  const mutes = streams.flatMap(({ arrivals, firstTextMs }) => {
    const silentMs = (firstTextMs ?? 0) - (arrivals[0]?.[0] ?? 0);
    return silentMs > 0 ? [silentMs] : [];
  });
  const chunks = streams.flatMap(({ arrivals }) => arrivals);
  return {
    rounds: rounds.length,
    successful: ok.length,
    failed: ended.length - ok.length,
    latenessMs: mean(ok, ({ sentAt, intendedAt }) => sentAt - intendedAt) ?? 0,
    startLatenessMs: mean(rounds, (round) => {
      return (min(round, ({ sentAt }) => sentAt) ?? 0) - (min(round, ({ intendedAt }) => intendedAt) ?? 0);
    }) ?? 0,
    afterLastScheduledMs: mean(rounds, (round) => {
      return (max(round, ({ endedAt }) => endedAt) ?? 0) -
        (round.findLast(({ outcome }) => outcome === "ok")?.endedAt ?? NaN);
    }) ?? 0,
    mute: mutes.length,
    muteMs: mean(mutes) ?? 0,
    tailMs:
      mean(streams, ({ arrivals, sentAt, endedAt }) => endedAt - sentAt - (arrivals.at(-1)?.[0] ?? 0)) ?? 0,
    chunks: chunks.length,
    bundles: chunks.filter(([, tokens]) => tokens > 1).length,
    unevenGaps: streams.some(({ arrivals }) => new Set(gapsOf(arrivals)).size > 1),
    unevenLengths: new Set(ok.map(({ outputTokens }) => outputTokens)).size > 1,
    onePiece: ok.filter(({ arrivals }) => arrivals === null).length,
    oneToken: ok.filter(({ outputTokens }) => outputTokens === 1).length,
  };
}

/** Why the definition gives another figure in this recording; null where the recording has nothing of that kind. */
export function noteOf(difference: Difference, traits: Traits): string | null {
  const { failed, mute, bundles, chunks, onePiece, oneToken, rounds } = traits;
  switch (difference) {
    case "from_send":
      return visible(traits.latenessMs)
        ? `from send: hides ${ms(traits.latenessMs)} of generator lateness`
        : null;
    case "drops_failed":
      return failed > 0 ? `${counted(failed, "failed request")} dropped` : null;
    case "first_chunk":
      return mute > 0
        ? `the first chunk counts without text: ${ms(traits.muteMs)} before the text of ${
          counted(mute, "request")
        }`
        : null;
    case "text_only":
      return mute > 0 ? `no gap before the first text, where ${counted(mute, "request")} had tokens` : null;
    case "to_last_chunk":
      return visible(traits.tailMs)
        ? `to the last chunk: ${ms(traits.tailMs)} before the end of the stream`
        : null;
    case "gaps_of_chunks":
      return bundles > 0
        ? `gaps of chunks: ${bundles} of ${chunks} brought several tokens, counted once`
        : null;
    case "mean_of_request":
      return traits.unevenGaps || bundles > 0
        ? "one mean a request: pauses within an answer are evened out"
        : null;
    case "with_first_token":
      return traits.successful > 0 ? "with the time to the first token" : null;
    case "by_tokens":
      return traits.unevenLengths ? "weighted: a request counts as often as it has tokens" : null;
    case "no_interpolation":
      return traits.successful > 1 ? "a percentile is one of the values, not between two" : null;
    case "one_piece_is_zero":
      return onePiece > 0 ? `${counted(onePiece, "answer")} in one piece counted as 0` : null;
    case "one_piece_is_a_chunk":
      return onePiece > 0 ? `${counted(onePiece, "answer")} in one piece taken as a chunk at the end` : null;
    case "one_token_is_negative":
      return oneToken > 0 ? `${counted(oneToken, "one-token answer")} counted with a negative value` : null;
    case "one_token_is_bad":
      return oneToken > 0 ? `${counted(oneToken, "one-token answer")} without TPOT: over its limit` : null;
    case "time_from_send":
      return visible(traits.startLatenessMs)
        ? `measured from the first send, ${ms(traits.startLatenessMs)} later`
        : null;
    case "time_of_answers":
      return "measured from the first send to the last chunk of a valid answer";
    case "time_to_last_scheduled":
      return visible(traits.afterLastScheduledMs)
        ? `measured to the end of the request scheduled last, ${
          ms(traits.afterLastScheduledMs)
        } before the last end`
        : null;
    case "one_token_is_none":
      return oneToken > 0 ? `the token of ${counted(oneToken, "one-token answer")} not counted` : null;
    case "one_request_less":
      return rounds > 1 ? "one request less in each round" : "one request less";
  }
  return difference satisfies never;
}

function visible(timeMs: number): boolean {
  return Math.abs(timeMs) >= VISIBLE_MS;
}
