import type { SchedulerSettings } from "../config/config.ts";
import { gate, gateOfTwoKinds } from "../core/modes/gate.ts";
import { microBatch } from "../core/modes/micro_batch.ts";
import type { Policy } from "../core/modes/policy.ts";
import type { Mode } from "../core/types.ts";

type PolicySettings = Pick<
  SchedulerSettings,
  | "MAX_CONCURRENT_STREAMS"
  | "QUEUED_CONCURRENCY"
  | "BATCH_WINDOW_MS"
  | "MAX_BATCH_SIZE"
  | "BATCHES_IN_FLIGHT"
  | "BATCH_WHEN_IDLE"
>;

/** A mode's policy, with the limits and the window that the settings give. */
export function choosePolicy(mode: Mode, settings: PolicySettings): Policy {
  switch (mode) {
    case "direct":
      return gate({ limit: settings.MAX_CONCURRENT_STREAMS, reason: "direct", together: false });
    case "queued":
      return gateOfTwoKinds({
        limit: settings.QUEUED_CONCURRENCY,
        streamLimit: settings.MAX_CONCURRENT_STREAMS,
        reason: "slot",
      });
    case "continuous":
      return gate({ limit: settings.MAX_CONCURRENT_STREAMS, reason: "gate", together: true });
    case "micro_batch":
      return microBatch({
        windowMs: settings.BATCH_WINDOW_MS,
        maxSize: settings.MAX_BATCH_SIZE,
        batchesInFlight: settings.BATCHES_IN_FLIGHT,
        whenIdle: settings.BATCH_WHEN_IDLE,
      });
    default:
      mode satisfies never;
      throw new Error(`no policy for the mode ${mode}`);
  }
}
