/** The laws of a closed loop, which hold for any service time. */
import assert from "node:assert/strict";
import { GRPC_TEST, LabOfKnownTimes } from "./lab_of_known_times.ts";

const STEP_MS = 5;
const TOKENS = 4;
const DURATION_MS = 3_000;

/** Of clients that never think: N = X R, the interactive response time law with Z = 0 (Denning & Buzen, "The
 * Operational Analysis of Queueing Network Models", 1978), which is Little's law of the loop. */
Deno.test({
  ...GRPC_TEST,
  name:
    "clients, throughput and response time of a closed loop obey N = X R, at a free server and at a full one",
  async fn() {
    for (const maxRows of [64, 2]) {
      await using lab = await LabOfKnownTimes.start({
        profile: { stepMs: STEP_MS, maxRows },
        mode: "direct",
        output: { kind: "fixed", tokens: TOKENS },
      });
      for (const clients of [1, 8]) {
        const { samples, summary } = await lab.closed(clients, { durationMs: DURATION_MS });
        const { requestRate, e2eMs, littlesLaw } = summary;
        const inLoop = requestRate.value * e2eMs.mean.value / 1000;
        const told = `${clients} clients at ${maxRows} rows`;
        // At the end clients wait for the last answer, each for less than the longest took.
        const longest = Math.max(...samples.map(({ intendedAt, endedAt }) => endedAt - intendedAt));
        const edges = 0.005 + longest / DURATION_MS;
        assert.ok(inLoop <= clients * 1.001 && inLoop >= clients * (1 - edges), `${told}: X R is ${inLoop}`);
        assert.ok(
          Math.abs(littlesLaw.residual) < edges,
          `${told}: Little's law is off by ${littlesLaw.residual}`,
        );
        assert.ok(
          Math.abs(littlesLaw.inSystem / clients - 1) < edges,
          `${told}: ${littlesLaw.inSystem} in system`,
        );
        // No server gives more than its services.
        const most = Math.min(clients, maxRows) / (STEP_MS * TOKENS);
        assert.ok(
          requestRate.value <= 1010 * most,
          `${told}: ${requestRate.value}/s, at most ${1000 * most}/s`,
        );
      }
    }
  },
});
