import type { Sample } from "../../../bench/record/sample.ts";

/** A measured, successful sample for tests, with what a test says about it. */
export function sampleOf(told: Partial<Sample>): Sample {
  return {
    variant: "direct",
    load: "1 client",
    round: 0,
    phase: "measured",
    index: 0,
    class: "default",
    tenant: "bench",
    client: 0,
    maxTokens: 48,
    intendedAt: 1000,
    sentAt: 1000,
    endedAt: 2000,
    outcome: "ok",
    status: "ok",
    errorMessage: "",
    inputTokens: 10,
    outputTokens: 48,
    firstTextMs: null,
    arrivals: null,
    engineMs: 990,
    workerMs: 980,
    workerTtftMs: 30,
    workerTpotMs: 20,
    queueWaitMs: 0,
    dispatch: null,
    timing: null,
    simulated: false,
    ...told,
  };
}
