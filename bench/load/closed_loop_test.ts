import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "../record/sample.ts";
import { type ClosedLoop, runClosedLoop } from "./closed_loop.ts";
import type { Transport } from "./transport.ts";
import { FAILED, OK, requests, turnOf } from "../../tests/support/bench/turn.ts";

Deno.test("no more requests are under way than there are clients, and as many as there are", async () => {
  let underWay = 0;
  let most = 0;
  const samples = await measure({ limit: 60, concurrency: 5 }, async () => {
    most = Math.max(most, ++underWay);
    await sleep(Math.random() * 4);
    underWay--;
    return OK;
  });
  assert.equal(most, 5);
  assert.equal(samples.length, 60);
});

Deno.test("each request is sent once and recorded once, with its place in the run", async () => {
  let sent = 0;
  const samples = await measure({ limit: 50, concurrency: 7, onSent: () => sent++ }, async ({ index }) => {
    await sleep(index % 3);
    return OK;
  });
  assert.equal(sent, 50);
  assert.deepEqual(
    samples.map(({ index }) => index).sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, index) => index),
  );
  const { variant, load, round, phase, class: name, tenant, client, maxTokens } = samples[0]!;
  assert.deepEqual([variant, load, round, phase, name, tenant, maxTokens], [
    ...["direct", "some", 2, "measured", "short", "t", 4],
  ]);
  assert.ok(client !== null && client >= 0 && client < 7);
});

Deno.test("failures are recorded and the run goes on, with a pause of the client that failed", async () => {
  const startedAt = performance.now();
  const samples = await measure({ limit: 6 }, ({ index }) => Promise.resolve(index < 2 ? FAILED : OK));
  assert.deepEqual(samples.map(({ outcome }) => outcome), ["failed", "failed", "ok", "ok", "ok", "ok"]);
  assert.ok(performance.now() - startedAt >= 180, "a failed client must wait before it asks again");
  assert.ok(
    samples.every(({ intendedAt, endedAt }) => endedAt - intendedAt < 90),
    "the pause is no part of a latency",
  );
});

Deno.test("after the duration nothing new starts and what is under way is waited for", async () => {
  let sent = 0;
  const samples = await measure({ durationMs: 50, concurrency: 2 }, async () => {
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
  const samples = await measure({ concurrency: 3 }, () => Promise.resolve(FAILED), stop.signal);
  assert.equal(samples.length, 3);
  assert.ok(performance.now() - startedAt < 90, "the pause must end with the stop");
});

Deno.test("what the generator does between an answer and the next request is lateness and in the latency", async () => {
  const samples: Sample[] = [];
  const record = (sample: Sample) => {
    samples.push(sample);
    for (const until = performance.now() + 20; performance.now() < until;);
  };
  await measure({ limit: 4, concurrency: 1, record }, () => Promise.resolve(OK));
  const [first, ...others] = samples;
  assert.ok(first!.sentAt - first!.intendedAt < 15);
  assert.equal(others.length, 3);
  for (const [at, { intendedAt, sentAt }] of others.entries()) {
    assert.equal(intendedAt, samples[at]!.endedAt);
    assert.ok(sentAt - intendedAt >= 19, `${sentAt - intendedAt}`);
  }
});

Deno.test("the loop ends when the requests do", async () => {
  const asked = { requests: requests(4), concurrency: 3 };
  assert.equal((await measure(asked, () => Promise.resolve(OK))).length, 4);
});

async function measure(
  told: Partial<ClosedLoop>,
  send: Transport["send"],
  stop?: AbortSignal,
): Promise<Sample[]> {
  const { turn, samples } = turnOf(send, stop);
  const endless = { requests: requests(), concurrency: 1, limit: Infinity, durationMs: Infinity };
  await runClosedLoop({ ...turn, ...endless, ...told });
  return samples;
}
