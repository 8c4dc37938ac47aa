import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import {
  block,
  FAILED,
  INTERRUPTED,
  OK,
  requests,
  scheduleAt,
  turnOf,
} from "../../tests/support/bench/turn.ts";
import { now } from "../../src/clock.ts";
import type { Sample } from "../record/sample.ts";
import { type ClosedLoop, type OpenLoop, runClosedLoop, runOpenLoop, type Transport } from "./loops.ts";

Deno.test("no more requests are under way than there are clients, and as many as there are", async () => {
  let underWay = 0;
  let most = 0;
  const samples = await askClosed({ limit: 60, concurrency: 5 }, async () => {
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
  const samples = await askClosed({ limit: 50, concurrency: 7, onSent: () => sent++ }, async ({ index }) => {
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
  const samples = await askClosed({ limit: 6 }, ({ index }) => Promise.resolve(index < 2 ? FAILED : OK));
  assert.deepEqual(samples.map(({ outcome }) => outcome), ["failed", "failed", "ok", "ok", "ok", "ok"]);
  assert.ok(performance.now() - startedAt >= 180, "a failed client must wait before it asks again");
  assert.ok(
    samples.every(({ intendedAt, endedAt }) => endedAt - intendedAt < 90),
    "the pause is no part of a latency",
  );
});

Deno.test("after the duration nothing new starts and what is under way is waited for", async () => {
  let sent = 0;
  const samples = await askClosed({ durationMs: 50, concurrency: 2 }, async () => {
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
  const samples = await askClosed({ concurrency: 3 }, () => Promise.resolve(FAILED), stop.signal);
  assert.equal(samples.length, 3);
  assert.ok(performance.now() - startedAt < 90, "the pause must end with the stop");
});

Deno.test("what the generator does between an answer and the next request is lateness and in the latency", async () => {
  const samples: Sample[] = [];
  const record = (sample: Sample) => {
    samples.push(sample);
    for (const until = performance.now() + 20; performance.now() < until;);
  };
  await askClosed({ limit: 4, concurrency: 1, record }, () => Promise.resolve(OK));
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
  assert.equal((await askClosed(asked, () => Promise.resolve(OK))).length, 4);
});

/** A busy machine delays whatever runs on it, so tests of timeliness look at the median. */
const ON_TIME_MS = 5;
const EVERY_5_MS = Array.from({ length: 30 }, (_, index) => 5 * index);

Deno.test("each request is sent at its instant, and no earlier", async () => {
  const samples = await sendOpen(EVERY_5_MS, () => Promise.resolve(OK));
  assert.equal(samples.length, 30);
  assert.ok(samples.every(({ sentAt, intendedAt }) => sentAt >= intendedAt));
  assert.ok(medianLateness(samples) < ON_TIME_MS, `late by ${medianLateness(samples)} ms`);
  const first = samples[0]!.intendedAt;
  samples.forEach(({ intendedAt, index }) => assert.ok(Math.abs(intendedAt - first - 5 * index) < 0.01));
});

Deno.test("a transport that does not answer delays no later request", async () => {
  const answer = Promise.withResolvers<void>();
  let sent = 0;
  const measuring = sendOpen(EVERY_5_MS, () => answer.promise.then(() => OK), { onSent: () => sent++ });
  while (sent < 30) await sleep(5);
  await sleep(20);
  answer.resolve();
  const samples = await measuring;
  assert.ok(medianLateness(samples) < ON_TIME_MS);
  assert.ok(
    samples.every(({ endedAt, sentAt }) => endedAt - sentAt >= 15),
    "all wait for the same answer",
  );
});

Deno.test("failures change nothing in what is sent when", async () => {
  const samples = await sendOpen(EVERY_5_MS, () => Promise.resolve(FAILED));
  assert.ok(samples.length === 30 && medianLateness(samples) < ON_TIME_MS);
});

Deno.test("a process that comes late sends all that is due at once, and the lateness stands in the samples", async () => {
  const samples = await sendOpen([0, 10, 20, 30, 40, 80], ({ index }) => {
    if (index === 0) block(50);
    return Promise.resolve(OK);
  });
  const lateMs = samples.toSorted((a, b) => a.index - b.index).map((one) => one.sentAt - one.intendedAt);
  assert.equal(lateMs.length, 6);
  [1, 2, 3, 4].forEach((index) =>
    assert.ok(lateMs[index]! >= 49 - 10 * index, `${index} is late: ${lateMs}`)
  );
  assert.ok(lateMs[5]! < lateMs[1]!, "the schedule is not moved");
});

Deno.test("answers that keep the event loop busy don't hold up what is due", async () => {
  const busy = Array.from({ length: 10 }, () => 0);
  const samples = await sendOpen([...busy, 22], async () => {
    await sleep(15); // all ten answers are there at once, and each takes 5 ms
    block(5);
    return OK;
  });
  const last = samples.find(({ index }) => index === 10)!;
  assert.ok(last.sentAt - last.intendedAt < 25, "it is sent between two answers, not after the last");
});

Deno.test("all are sent in order and recorded once, whatever the schedule", async () => {
  const gaps = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 15 });
  await fc.assert(
    fc.asyncProperty(gaps, async (gaps) => {
      let at = 0;
      const order: number[] = [];
      const samples = await sendOpen(gaps.map((gap) => at += gap), async ({ index }) => {
        order.push(index);
        await sleep(index % 4);
        return OK;
      });
      assert.deepEqual(order, gaps.map((_, index) => index));
      assert.deepEqual(samples.map(({ index }) => index).sort((a, b) => a - b), order);
      assert.ok(samples.every(({ client }) => client === null));
    }),
    { numRuns: 8 },
  );
});

Deno.test("a stop sends nothing more; what is under way is interrupted and recorded", async () => {
  const stop = new AbortController();
  const startedAt = performance.now();
  const { turn, samples } = turnOf(async ({ index }, signal) => {
    if (index === 2) setTimeout(() => stop.abort(), 20);
    await sleep(120_000, undefined, { signal }).catch(() => {});
    return INTERRUPTED;
  }, stop.signal);
  await runOpenLoop({ ...turn, schedule: scheduleAt([0, 1, 2, 120_000]) });
  assert.deepEqual(samples.map(({ index, outcome }) => [index, outcome]), [
    ...[[0, "interrupted"], [1, "interrupted"], [2, "interrupted"]],
  ]);
  assert.ok(performance.now() - startedAt < 60_000, "the instants that are left are not waited for");
});

Deno.test("what falls due while the last ones end after a stop is not sent", async () => {
  const stop = new AbortController();
  let stoppedAt = Infinity;
  const { turn, samples } = turnOf(async () => {
    await sleep(20);
    if (!stop.signal.aborted) {
      stop.abort();
      stoppedAt = now();
    }
    return OK;
  }, stop.signal);
  await runOpenLoop({ ...turn, schedule: scheduleAt(Array.from({ length: 100 }, (_, index) => index)) });
  assert.ok(samples.length > 1 && samples.length < 100);
  assert.ok(samples.every(({ sentAt }) => sentAt <= stoppedAt));
});

Deno.test("an empty schedule, and a turn that is stopped already, end at once", async () => {
  assert.deepEqual(await sendOpen([], () => Promise.resolve(OK)), []);
  const { turn, samples } = turnOf(() => Promise.resolve(OK), AbortSignal.abort());
  await runOpenLoop({ ...turn, schedule: scheduleAt([0, 5]) });
  assert.deepEqual(samples, []);
});

Deno.test("the ids on the wire tell turn and request", async () => {
  const ids: string[] = [];
  await sendOpen([0, 0], (_request, _stop, id) => {
    ids.push(id);
    return Promise.resolve(OK);
  });
  assert.deepEqual(ids, ["measured/2/direct/some/0", "measured/2/direct/some/1"]);
});

async function sendOpen(
  instants: readonly number[],
  send: Transport["send"],
  told: Partial<OpenLoop> = {},
): Promise<Sample[]> {
  const { turn, samples } = turnOf(send);
  await runOpenLoop({ ...turn, schedule: scheduleAt(instants), ...told });
  return samples;
}

function medianLateness(samples: readonly Sample[]): number {
  return samples.map(({ sentAt, intendedAt }) => sentAt - intendedAt).sort((a, b) =>
    a - b
  )[samples.length >> 1]!;
}

async function askClosed(
  told: Partial<ClosedLoop>,
  send: Transport["send"],
  stop?: AbortSignal,
): Promise<Sample[]> {
  const { turn, samples } = turnOf(send, stop);
  const endless = { requests: requests(), concurrency: 1, limit: Infinity, durationMs: Infinity };
  await runClosedLoop({ ...turn, ...endless, ...told });
  return samples;
}
