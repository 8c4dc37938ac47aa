/** One server with a fixed service time: M/D/1. */
import assert from "node:assert/strict";
import { GRPC_TEST, hurryMs, isLate, LabOfKnownTimes, type MeasuredCell } from "./lab_of_known_times.ts";
import { mean, waitOfMD1, waitOfMM1, waitsOf } from "./queueing.ts";

const STEP_MS = 4;
const TOKENS = 4;
const DURATION_MS = 7_000;

Deno.test({
  ...GRPC_TEST,
  name:
    "Poisson arrivals at a server of fixed service time wait as M/D/1 says, and on their path as Lindley says",
  async fn() {
    await using lab = await LabOfKnownTimes.start({
      profile: { stepMs: STEP_MS, maxRows: 1 },
      mode: "direct",
      output: { kind: "fixed", tokens: TOKENS },
    });
    for (const rho of [0.5, 0.7]) {
      const rate = 1000 * rho / (STEP_MS * TOKENS);
      const before = (await lab.closed(1, { requests: 30 })).summary.e2eMs.mean.value;
      const loaded = await lab.open({ kind: "poisson", rate }, DURATION_MS);
      const after = (await lab.closed(1, { requests: 30 })).summary.e2eMs.mean.value;
      // The service, with what the worker does between two of them.
      const serviceMs = timeBetweenAnswers(await lab.closed(4, { requests: 60 }));
      assert.ok(serviceMs >= STEP_MS * TOKENS - 0.1, `the server takes ${serviceMs} ms`);

      const { e2eMs, latenessMs } = loaded.summary;
      // What a request takes that never waits: sent late, the way there and back, and the service.
      const baseMs = latenessMs.mean.value + (before + after) / 2;
      const waitMs = mean(waitsOf(loaded.samples.map(({ sentAt }) => sentAt), () => serviceMs));
      const { value, low, high } = e2eMs.mean;
      const rightMs = baseMs + waitMs;
      const tolerance = 1 + 0.15 * waitMs + hurryMs(loaded) + Math.abs(before - after);
      assert.ok(Math.abs(value - rightMs) < tolerance, `mean E2E ${value} ms, on this path ${rightMs} ms`);

      const theory = baseMs + waitOfMD1(rate / 1000, serviceMs);
      const outside = Math.max(low - theory, theory - high);
      assert.ok(outside < hurryMs(loaded), `M/D/1 gives ${theory} ms, the lab ${low} to ${high} ms`);
      if (isLate(loaded)) continue; // then the service time is not fixed either
      const wrong = baseMs + waitOfMM1(rate / 1000, serviceMs);
      assert.ok(
        Math.abs(value - rightMs) < Math.abs(value - wrong),
        `${wrong} ms, as M/M/1 has it, is no better`,
      );
    }
  },
});

/** Of a server that never idles: from the first answer to the last, each takes one service. */
function timeBetweenAnswers({ samples }: MeasuredCell): number {
  const ends = samples.map(({ endedAt }) => endedAt);
  return (Math.max(...ends) - Math.min(...ends)) / (ends.length - 1);
}
