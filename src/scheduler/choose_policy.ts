import type { SchedulerSettings } from "../config.ts";
import { direct } from "../policy/direct.ts";
import { microBatch } from "../policy/micro_batch.ts";
import type { Policy } from "../policy/policy.ts";
import { queued } from "../policy/queued.ts";

/** The policy that the settings ask for. */
export function choosePolicy(settings: SchedulerSettings): Policy {
  switch (settings.ENGINE_MODE) {
    case "direct":
      return direct;
    case "queued":
      return queued(settings.QUEUED_CONCURRENCY);
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
