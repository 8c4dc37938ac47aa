/** Several servers with random service times: M/M/c. */
import assert from "node:assert/strict";
import type { Sample } from "../../bench/record/sample.ts";
import { GRPC_TEST, hurryMs, LabOfKnownTimes } from "./lab_of_known_times.ts";
import { mean, waitOfMMc, waitsOf } from "./queueing.ts";

const SERVERS = 4;
const STEP_MS = 1;
const MEAN_TOKENS = 40;
const RATE = 66;
const DURATION_MS = 9_000;

Deno.test({
  ...GRPC_TEST,
  name:
    "queued mode with geometric lengths waits as Erlang C says, and on its path as Kiefer and Wolfowitz say",
  async fn() {
    await using lab = await LabOfKnownTimes.start({
      profile: { stepMs: STEP_MS },
      mode: "queued",
      settings: { QUEUED_CONCURRENCY: SERVERS },
      output: { kind: "geometric", mean: MEAN_TOKENS, max: 1000 },
    });
    const cell = await lab.open({ kind: "poisson", rate: RATE }, DURATION_MS);
    const { samples, summary } = cell;
    const sends = samples.map(({ sentAt }) => sentAt);
    const services = samples.map(placeTakenMs);
    const { value, low, high } = summary.queueWaitMs.mean;

    const path = mean(waitsOf(sends, (index) => services[index] ?? NaN, SERVERS));
    const tolerance = 0.5 + 0.1 * path + hurryMs(cell);
    assert.ok(Math.abs(value - path) < tolerance, `mean queue wait ${value} ms, on this path ${path} ms`);

    const theory = waitOfMMc(SERVERS, RATE / 1000, mean(services));
    const outside = Math.max(low - theory, theory - high);
    assert.ok(outside < hurryMs(cell), `M/M/${SERVERS} gives ${theory} ms, the lab ${low} to ${high} ms`);
    const fewer = mean(waitsOf(sends, (index) => services[index] ?? NaN, SERVERS - 1));
    assert.ok(fewer > high, `with one server less ${fewer} ms, which must not pass for ${low} to ${high} ms`);
  },
});

/** A place is taken from the dispatch to the last token, so the way to the worker is part of the service; and it was
 * free for a moment before, which the scheduler took to see it. */
function placeTakenMs({ timing, dispatch }: Sample): number {
  if (!timing || !dispatch) return NaN;
  return dispatch.lateMs + timing.dispatchMs + timing.prefillMs + timing.decodeMs;
}
