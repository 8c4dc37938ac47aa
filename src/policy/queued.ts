import { type Decision, IDLE, type Policy } from "./policy.ts";

const NEXT: Decision = { kind: "dispatch", take: 1, reason: "slot" };

/** First in, first out, with at most `concurrency` requests at the worker. */
export function queued(concurrency: number): Policy {
  return {
    decide: (view) => (view.depth > 0 && view.dispatchesInFlight < concurrency ? NEXT : IDLE),
  };
}
