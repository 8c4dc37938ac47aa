import type { Millis } from "../../src/types.ts";
import type { Load, RequestMix } from "../plan.ts";
import type { ScheduledRequest } from "../record/sample.ts";

/** When a turn ends: after so many requests or so much time, whichever is first; Infinity sets no limit. */
export interface ScheduleLimits {
  readonly requests: number;
  readonly durationMs: Millis;
}

/** All requests of an open loop's turn with their instants, in the order of sending. */
export function scheduleOf(
  _load: Load & { readonly kind: "open" },
  _mix: RequestMix,
  _limits: ScheduleLimits,
  _seed: number,
): ScheduledRequest[] {
  return [];
}
