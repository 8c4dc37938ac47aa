import { gate, GATE_SETTINGS, gateShape } from "./gate.ts";
import { defineMode, UNLIMITED } from "./mode.ts";

/** Each request goes to the worker as it comes, as far as the worker's rows or MAX_CONCURRENT_STREAMS allow. */
export const direct = defineMode({
  name: "direct",
  summary: "at once",
  settings: GATE_SETTINGS,
  reasons: { direct: "it came and the gate was open" },
  isWindowed: false,
  tellsQueueWait: false,
  policy: ({ MAX_CONCURRENT_STREAMS }) =>
    gate({ limit: MAX_CONCURRENT_STREAMS, reason: "direct", together: false }),
  law: ({ MAX_CONCURRENT_STREAMS }) => ({
    ...UNLIMITED,
    maxRunning: MAX_CONCURRENT_STREAMS || undefined,
    maxGroup: 1,
    reasons: ["direct"],
  }),
  shape: gateShape,
  candidates: () => [{}],
});
