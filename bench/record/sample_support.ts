import type { Sample } from "./sample.ts";

/** A measured, successful sample for tests, with what a test says about it. */
export function sampleOf(told: Partial<Sample>): Sample {
  return {
    mode: "direct",
    concurrency: 1,
    phase: "measured",
    index: 0,
    client: 0,
    maxTokens: 48,
    intendedAt: 1000,
    sentAt: 1000,
    receivedAt: 2000,
    latencyMs: 1000,
    outcome: "ok",
    status: "ok",
    errorMessage: "",
    inputTokens: 10,
    outputTokens: 48,
    engineLatencyMs: 990,
    workerLatencyMs: 980,
    ttftMs: 30,
    tpotMs: 20,
    queueWaitMs: 0,
    dispatch: null,
    simulated: false,
    tokenMs: null,
    ...told,
  };
}
