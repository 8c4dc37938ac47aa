import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { EngineLoad } from "../load/engine_load.ts";

/** Makes sure by the engine's own counters that all requests went through it and none is left. */
export async function checkCounters(load: EngineLoad, requests: number): Promise<void> {
  const { acceptedRequests, settledRequests, dispatchedRequests, refusedRequests } = await load.stats(5000);
  if ([acceptedRequests, settledRequests, dispatchedRequests].every((count) => count === requests)) return;
  throw new SetupError([
    `the engine must have dispatched and settled ${requests} requests, but accepted ${acceptedRequests}, ` +
    `dispatched ${dispatchedRequests}, settled ${settledRequests} and refused ${refusedRequests}`,
  ]);
}
