import { wholeNumber } from "../setting.ts";
import { gate, GATE_SETTINGS } from "./gate.ts";
import { defineMode, type Policy, UNLIMITED, upTo } from "./mode.ts";

/**
 * Requests go one by one. Where streams have places of their own (MAX_CONCURRENT_STREAMS), the longest-waiting request
 * goes when its kind has a free place, and until then nothing overtakes it.
 */
export const queued = defineMode({
  name: "queued",
  summary: "one by one",
  settings: {
    QUEUED_CONCURRENCY: wholeNumber(
      1,
      65_536,
      1,
      "queued: requests at the worker at once, streams not among them when MAX_CONCURRENT_STREAMS is given",
    ),
    ...GATE_SETTINGS,
  },
  reasons: { slot: "its turn had come and a place was free" },
  isWindowed: false,
  tellsQueueWait: true,
  policy: ({ QUEUED_CONCURRENCY, MAX_CONCURRENT_STREAMS }) =>
    gateOfTwoKinds(QUEUED_CONCURRENCY, MAX_CONCURRENT_STREAMS),
  law: ({ QUEUED_CONCURRENCY, MAX_CONCURRENT_STREAMS }) => ({
    ...UNLIMITED,
    maxRunning: QUEUED_CONCURRENCY,
    ...(MAX_CONCURRENT_STREAMS > 0 && { maxStreams: MAX_CONCURRENT_STREAMS }),
    maxGroup: 1,
    reasons: ["slot"],
  }),
  shape: ({ QUEUED_CONCURRENCY, MAX_CONCURRENT_STREAMS }) =>
    `${QUEUED_CONCURRENCY} at once` +
    (MAX_CONCURRENT_STREAMS > 0 ? `, ${MAX_CONCURRENT_STREAMS} streams` : ""),
  candidates: (rows) => upTo(rows, [1, 4, 16]).map((QUEUED_CONCURRENCY) => ({ QUEUED_CONCURRENCY })),
});

/** At most `streamLimit` streams, and beside them at most `limit` others; a `streamLimit` of 0 lets all share `limit`. */
export function gateOfTwoKinds(limit: number, streamLimit: number): Policy<"slot"> {
  const others = gate({ limit, reason: "slot", together: false });
  if (streamLimit === 0) return others;
  const streams = gate({ limit: streamLimit, reason: "slot", together: false });
  return {
    decide(view, now) {
      const { oldestIsStream, running, runningStreams } = view;
      return oldestIsStream
        ? streams.decide({ ...view, running: runningStreams }, now)
        : others.decide({ ...view, running: running - runningStreams }, now);
    },
  };
}
