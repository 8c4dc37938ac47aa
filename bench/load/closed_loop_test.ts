import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClosedLoop, runClosedLoop } from "./closed_loop.ts";
import type { Result, Sample } from "./sample.ts";
import { sampleOf } from "./sample_support.ts";
import { workload } from "./workload.ts";

const OK: Result = sampleOf({});
const FAILED: Result = sampleOf({ outcome: "failed", status: "UNAVAILABLE" });

Deno.test("no more requests are under way than there are clients, and as many as there are", async () => {
  let underWay = 0;
  let most = 0;
  const samples = await measure({ requests: 60 }, 5, async () => {
    most = Math.max(most, ++underWay);
    await sleep(Math.random() * 4);
    underWay--;
    return OK;
  });
  assert.equal(most, 5);
  assert.equal(samples.length, 60);
});

Deno.test("each request of the workload is sent once and recorded once", async () => {
  const samples = await measure({ requests: 50 }, 7, async ({ index }) => {
    await sleep(index % 3);
    return OK;
  });
  assert.deepEqual(
    samples.map(({ index }) => index).sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index),
  );
});

Deno.test("failures are recorded and the run goes on, with a pause of the client that failed", async () => {
  const startedAt = performance.now();
  const samples = await measure({ requests: 6 }, 1, ({ index }) => Promise.resolve(index < 2 ? FAILED : OK));
  assert.deepEqual(samples.map(({ outcome }) => outcome), ["failed", "failed", "ok", "ok", "ok", "ok"]);
  assert.ok(performance.now() - startedAt >= 180, "a failed client must wait before it asks again");
  assert.ok(samples.every(({ latencyMs }) => latencyMs < 90), "the pause is no part of a latency");
});

Deno.test("after the duration nothing new starts and what is under way is waited for", async () => {
  let sent = 0;
  const samples = await measure({ durationMs: 50 }, 2, async () => {
    sent++;
    await sleep(40);
    return OK;
  });
  assert.equal(samples.length, 4);
  assert.equal(sent, 4);
});

Deno.test("a stop starts nothing new, also while a client pauses after a failure", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 20);
  const startedAt = performance.now();
  const samples = await measure({ stop: stop.signal }, 3, () => Promise.resolve(FAILED));
  assert.equal(samples.length, 3);
  assert.ok(performance.now() - startedAt < 90, "the pause must end with the stop");
});

Deno.test("the loop ends when the workload does", async () => {
  const work = workload({ seed: 1, maxTokens: 1 }).take(4);
  assert.equal((await measure({ work }, 3, () => Promise.resolve(OK))).length, 4);
});

async function measure(
  told: Partial<ClosedLoop>,
  concurrency: number,
  send: ClosedLoop["send"],
): Promise<Sample[]> {
  const samples: Sample[] = [];
  await runClosedLoop({
    level: { mode: "direct", concurrency },
    phase: "measured",
    work: workload({ seed: 1, maxTokens: 1 }),
    requests: Infinity,
    durationMs: Infinity,
    stop: new AbortController().signal,
    record: (sample) => samples.push(sample),
    ...told,
    send,
  });
  return samples;
}
