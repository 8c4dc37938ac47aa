import type { SchedulerSettings } from "../config.ts";
import { gate } from "../policy/gate.ts";
import { microBatch } from "../policy/micro_batch.ts";
import type { Policy } from "../policy/policy.ts";

/** The policy that the settings ask for. */
export function choosePolicy(settings: SchedulerSettings): Policy {
  switch (settings.ENGINE_MODE) {
    case "direct":
      return gate({ limit: settings.MAX_CONCURRENT_STREAMS, reason: "direct", together: false });
    case "queued":
      return gate({ limit: settings.QUEUED_CONCURRENCY, reason: "slot", together: false });
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
      settings.ENGINE_MODE satisfies never;
      throw new Error(`no policy for ENGINE_MODE ${settings.ENGINE_MODE}`);
  }
}
