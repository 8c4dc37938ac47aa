import type { RequestSpec, Result, Sample, ScheduledRequest } from "../../../bench/record/sample.ts";
import { type LoopContext, type Transport } from "../../../bench/load/loops.ts";

export const OK: Result = {
  outcome: "ok",
  status: "ok",
  errorMessage: "",
  inputTokens: 10,
  outputTokens: 4,
  firstTextMs: null,
  arrivals: null,
  engineMs: 9,
  workerMs: 8,
  workerTtftMs: 1,
  workerTpotMs: 1,
  queueWaitMs: null,
  dispatch: null,
  timing: null,
  simulated: false,
};
export const FAILED: Result = { ...OK, outcome: "failed", status: "UNAVAILABLE" };
export const INTERRUPTED: Result = { ...OK, outcome: "interrupted", status: "CANCELLED" };

export function requestOf(index: number): RequestSpec {
  return { index, class: "short", tenant: "t", prompt: `p${index}`, maxTokens: 4, exactOutput: true };
}

/** Requests with indexes from 0. */
export function* requests(count = Infinity): Generator<RequestSpec> {
  for (let index = 0; index < count; index++) yield requestOf(index);
}

/** One request at each of these instants. */
export function scheduleAt(instants: readonly number[]): ScheduledRequest[] {
  return instants.map((atMs, index) => ({ ...requestOf(index), atMs }));
}

/** A turn over a transport that answers as `send` does, and what it recorded. */
export function turnOf(
  send: Transport["send"],
  stop: AbortSignal = new AbortController().signal,
): { turn: LoopContext; samples: Sample[] } {
  const samples: Sample[] = [];
  const turn: LoopContext = {
    cell: { variant: "direct", load: "some" },
    round: 2,
    phase: "measured",
    transport: { send },
    record: (sample) => samples.push(sample),
    stop,
  };
  return { turn, samples };
}

/** Keeps the event loop from all else. */
export function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
