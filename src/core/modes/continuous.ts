import { gate, GATE_SETTINGS, gateLimits, gateShape } from "./gate.ts";
import { defineMode, UNLIMITED } from "./mode.ts";

/** The worker's running batch is kept full: whenever rows come free, those that wait longest leave together. */
export const continuous = defineMode({
  name: "continuous",
  summary: "as places become free",
  settings: GATE_SETTINGS,
  reasons: { gate: "places were free at the worker" },
  isWindowed: false,
  tellsQueueWait: false,
  policy: ({ MAX_CONCURRENT_STREAMS }) =>
    gate({ limit: MAX_CONCURRENT_STREAMS, reason: "gate", together: true }),
  law: ({ MAX_CONCURRENT_STREAMS }) => ({
    ...UNLIMITED,
    maxRunning: MAX_CONCURRENT_STREAMS || undefined,
    reasons: ["gate"],
  }),
  shape: gateShape,
  candidates: (rows) => gateLimits(rows).map((MAX_CONCURRENT_STREAMS) => ({ MAX_CONCURRENT_STREAMS })),
});
