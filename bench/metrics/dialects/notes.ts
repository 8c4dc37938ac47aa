// @ts-types="@types/d3-array"
import { max, mean, min } from "d3-array";
import type { Slo } from "../../plan.ts";
import type { Sample } from "../../record/sample.ts";
import { counted, ms } from "../../words.ts";
import { chunkGapsMs, measuredRequests, turnsOf } from "../requests.ts";

/** What of a recording makes definitions differ. Times are means, in milliseconds. */
export type Traits = ReturnType<typeof traitsOf>;

/** Below it, a difference in time is none that a table shows. */
const VISIBLE_MS = 0.05;

export function traitsOf(samples: readonly Sample[], slo: Slo) {
  const rounds = turnsOf(measuredRequests(samples)).map(({ requests }) => requests);
  const ended = rounds.flat();
  const ok = ended.filter(({ outcome }) => outcome === "ok");
  const streams = ok.flatMap((sample) =>
    sample.arrivals?.length ? [{ ...sample, arrivals: sample.arrivals }] : []
  );
  const mutes = streams.map(({ arrivals, firstTextMs }) => (firstTextMs ?? 0) - (arrivals[0]?.[0] ?? 0))
    .filter((silentMs) => silentMs > 0);
  const chunks = streams.flatMap(({ arrivals }) => arrivals);
  return {
    rounds: rounds.length,
    successful: ok.length,
    failed: ended.length - ok.length,
    latenessMs: mean(ok, ({ sentAt, intendedAt }) => sentAt - intendedAt) ?? 0,
    /** First intended instant of a round to its first real send. */
    startLatenessMs: mean(rounds, (round) => {
      return (min(round, ({ sentAt }) => sentAt) ?? 0) - (min(round, ({ intendedAt }) => intendedAt) ?? 0);
    }) ?? 0,
    /** End of the last scheduled request that succeeded to the last end of a round. */
    afterLastScheduledMs: mean(rounds, (round) => {
      return (max(round, ({ endedAt }) => endedAt) ?? 0) -
        (round.findLast(({ outcome }) => outcome === "ok")?.endedAt ?? NaN);
    }) ?? 0,
    /** Streams whose first chunk had tokens but no text, and for how long they went on so. */
    mute: mutes.length,
    muteMs: mean(mutes) ?? 0,
    /** Last chunk to the end of the stream. */
    tailMs:
      mean(streams, ({ arrivals, sentAt, endedAt }) => endedAt - sentAt - (arrivals.at(-1)?.[0] ?? 0)) ?? 0,
    chunks: chunks.length,
    /** Chunks of several tokens. */
    bundles: chunks.filter(([, tokens]) => tokens > 1).length,
    unevenGaps: streams.some(({ arrivals }) => new Set(chunkGapsMs(arrivals)).size > 1),
    unevenLengths: new Set(ok.map(({ outputTokens }) => outputTokens)).size > 1,
    onePiece: ok.filter(({ arrivals }) => arrivals === null).length,
    oneToken: ok.filter(({ outputTokens }) => outputTokens === 1).length,
    limitsTpot: slo.tpotMs !== undefined,
  };
}

type Note = (traits: Traits) => string | false;

/** Ways in which a definition departs from ours, with what each says of a recording that shows it. */
const NOTES = {
  from_send: ({ latenessMs }) =>
    isVisible(latenessMs) && `from send: hides ${ms(latenessMs)} of generator lateness`,
  drops_failed: ({ failed }) => failed > 0 && `${counted(failed, "failed request")} dropped`,
  first_chunk: ({ mute, muteMs }) =>
    mute > 0 &&
    `the first chunk counts without text: ${ms(muteMs)} before the text of ${counted(mute, "request")}`,
  text_only: ({ mute }) =>
    mute > 0 && `no gap before the first text, where ${counted(mute, "request")} had tokens`,
  to_last_chunk: ({ tailMs }) =>
    isVisible(tailMs) && `to the last chunk: ${ms(tailMs)} before the end of the stream`,
  gaps_of_chunks: ({ bundles, chunks }) =>
    bundles > 0 && `gaps of chunks: ${bundles} of ${chunks} brought several tokens, counted once`,
  mean_of_request: ({ unevenGaps, bundles }) =>
    (unevenGaps || bundles > 0) && "one mean a request: pauses within an answer are evened out",
  with_first_token: ({ successful }) => successful > 0 && "with the time to the first token",
  by_tokens: ({ unevenLengths }) => unevenLengths && "weighted: a request counts as often as it has tokens",
  no_interpolation: ({ successful }) =>
    successful > 1 && "a percentile is one of the values, not between two",
  one_piece_is_zero: ({ onePiece }) =>
    onePiece > 0 && `${counted(onePiece, "answer")} in one piece counted as 0`,
  one_piece_is_a_chunk: ({ onePiece }) =>
    onePiece > 0 && `${counted(onePiece, "answer")} in one piece taken as a chunk at the end`,
  one_token_is_negative: ({ oneToken }) =>
    oneToken > 0 && `${counted(oneToken, "one-token answer")} counted with a negative value`,
  one_token_is_bad: ({ oneToken, limitsTpot }) =>
    limitsTpot && oneToken > 0 && `${counted(oneToken, "one-token answer")} without TPOT: over its limit`,
  time_from_send: ({ startLatenessMs }) =>
    isVisible(startLatenessMs) && `measured from the first send, ${ms(startLatenessMs)} later`,
  time_of_answers: () => "measured from the first send to the last chunk of a valid answer",
  time_to_last_scheduled: ({ afterLastScheduledMs }) =>
    isVisible(afterLastScheduledMs) &&
    `measured to the end of the request scheduled last, ${ms(afterLastScheduledMs)} before the last end`,
  one_token_is_none: ({ oneToken }) =>
    oneToken > 0 && `the token of ${counted(oneToken, "one-token answer")} not counted`,
  one_request_less: ({ rounds }) => rounds > 1 ? "one request less in each round" : "one request less",
} satisfies Readonly<Record<string, Note>>;

export type Difference = keyof typeof NOTES;

/** Why the definitions give another figure in this recording; empty where the recording has nothing of that kind. */
export function notesOf(differences: readonly Difference[], traits: Traits): string[] {
  return differences.flatMap((difference) => NOTES[difference](traits) || []);
}

function isVisible(timeMs: number): boolean {
  return Math.abs(timeMs) >= VISIBLE_MS;
}
