import { type Decision, IDLE, type Policy, type QueueView } from "./policy.ts";

const FORWARD: Decision = { kind: "dispatch", take: 1, reason: "direct" };

/** Forwards each request at once; the worker's own concurrency limit applies. */
export const direct: Policy = {
  decide: (view: QueueView) => (view.depth > 0 ? FORWARD : IDLE),
};
