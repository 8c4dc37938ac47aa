/** Wrong ways to compute a figure, on runs whose right figures are known: the lab has the right ones. */
import assert from "node:assert/strict";
import type { Sample } from "../../bench/record/sample.ts";
import { percentile } from "../../src/percentile.ts";
import { pause } from "../support/wait.ts";
import { GRPC_TEST, LabOfKnownTimes } from "./lab_of_known_times.ts";
import { mean } from "./queueing.ts";

Deno.test({
  ...GRPC_TEST,
  name:
    "at twice the rate of a server half the requests are refused, and are in the rates and percentiles as failed",
  async fn() {
    const [rate, serviceMs, places] = [100, 20, 5];
    await using lab = await LabOfKnownTimes.start({
      profile: { stepMs: serviceMs, maxRows: 1 },
      mode: "queued",
      settings: { QUEUE_CAPACITY: places },
      output: { kind: "fixed", tokens: 1 },
    });
    const { samples, summary } = await lab.open({ kind: "constant", rate }, 4_000);
    const { requests, failed, requestRate, offeredRate, e2eMs } = summary;
    assert.ok(Math.abs(offeredRate - rate) < 0.02 * rate, `${offeredRate}/s offered`);
    // Utilization law, U = X S (Denning & Buzen 1978): the server is busy all the time, or between two services.
    const meanServiceMs = mean(samples.filter(({ outcome }) => outcome === "ok").map(placeTakenMs));
    const busy = requestRate.value * meanServiceMs / 1000;
    assert.ok(
      meanServiceMs >= serviceMs && busy > 0.85 && busy < 1.02,
      `${busy} of the time at ${meanServiceMs} ms`,
    );
    // What a full server does not take in its time, a bounded queue refuses.
    const share = 1 - 1000 * summary.seconds / meanServiceMs / requests;
    assert.ok(Math.abs(failed / requests - share) < 0.08, `${failed} of ${requests} refused, not ${share}`);
    assert.deepEqual([e2eMs.p90.value, e2eMs.p95.value, e2eMs.p99.value], [Infinity, Infinity, Infinity]);
    assert.equal(summary.verdict.valid, false);

    const kept = samples.filter(({ outcome }) => outcome === "ok").map((s) => s.endedAt - s.intendedAt);
    const dropped = percentile(Float64Array.from(kept).sort(), 99);
    assert.ok(dropped < Infinity, "without the failures p99 is finite, as if all went well");
    const allCounted = requests / summary.seconds;
    assert.ok(allCounted > requestRate.high, `with the refusals as answers ${allCounted}/s`);
  },
});

Deno.test({
  ...GRPC_TEST,
  name:
    "tokens that came in one chunk are gaps of 0: the mean ITL is the step's time though chunks are fewer",
  async fn() {
    const [stepMs, tokens, clients] = [5, 200, 4];
    await using lab = await LabOfKnownTimes.start({
      profile: { stepMs },
      mode: "direct",
      output: { kind: "fixed", tokens },
      stream: true,
    });
    // What the worker makes while the engine stands still leaves it in few chunks.
    const standStill = async () => {
      await pause(300);
      Deno.kill(lab.engine.pid, "SIGSTOP");
      await pause(400);
      Deno.kill(lab.engine.pid, "SIGCONT");
    };
    const [{ samples, summary }] = await Promise.all([
      lab.closed(clients, { requests: clients }),
      standStill(),
    ]);
    const { mean: itl } = summary.itlMs;
    const pooled = mean(samples.flatMap(chunkGaps));
    assert.equal(itl.samples, clients * (tokens - 1));
    assert.ok(Math.abs(itl.value - stepMs) < 0.05 * stepMs, `mean ITL ${itl.value} ms`);
    assert.ok(pooled > 1.2 * stepMs, `pooled by chunk ${pooled} ms`);
  },
});

/** From the dispatch to the last token. */
function placeTakenMs({ timing }: Sample): number {
  return timing ? timing.dispatchMs + timing.prefillMs + timing.decodeMs : NaN;
}

/** The gaps between chunks, whatever number of tokens they carry. */
function chunkGaps({ arrivals }: Sample): number[] {
  return (arrivals ?? []).slice(1).map(([atMs], before) => atMs - (arrivals?.[before]?.[0] ?? NaN));
}
