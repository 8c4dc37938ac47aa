import assert from "node:assert/strict";
import { DrainRate, ServiceTime } from "./admission.ts";

/** `rows` places that are always taken, each answered after `serviceMs`, one after the other. */
function drain(rate: DrainRate, from: number, answers: number, { rows = 1, serviceMs = 40 } = {}): number {
  let now = from;
  rate.update(rows, now);
  for (let answer = 0; answer < answers; answer++) {
    now += serviceMs / rows;
    rate.answered(serviceMs, now);
    rate.update(rows, now);
  }
  return now;
}

/** Rounded: the sums are of floating point. */
function waitMs(rate: DrainRate, depth: number, now: number): number | undefined {
  const wait = rate.waitMs(depth, now);
  return wait === undefined ? undefined : Math.round(wait * 1e6) / 1e6;
}

Deno.test("nothing is promised before anybody has waited for a place, and before an answer", () => {
  const rate = new DrainRate();
  assert.equal(rate.waitMs(3, 0), undefined);
  rate.answered(50, 100);
  assert.equal(rate.waitMs(3, 200), undefined, "nobody waited when that answer came");
  rate.update(1, 200);
  assert.equal(rate.waitMs(3, 300), undefined);
});

Deno.test("one answer tells how long a place takes, also while the others of its batch are still out", () => {
  const rate = new DrainRate();
  rate.update(32, 0);
  rate.answered(640, 640);
  rate.update(32, 640);
  assert.equal(waitMs(rate, 32, 640), 640);
});

Deno.test("a steady queue's wait is its depth times the time between two answers", () => {
  for (const rows of [1, 8, 100]) {
    const rate = new DrainRate();
    const now = drain(rate, 0, 1000, { rows, serviceMs: 40 * rows });
    assert.equal(waitMs(rate, 1, now), 40);
    assert.equal(waitMs(rate, 10, now), 400);
  }
});

Deno.test("a batch in lockstep has the same wait at every moment: before, amid and after its answers", () => {
  const rate = new DrainRate();
  let now = 0;
  for (let batch = 0; batch < 6; batch++) {
    rate.update(32, now);
    for (let answer = 0; answer < 32; answer++) {
      now = 640 * (batch + 1) + (answer === 0 ? 0 : 20);
      rate.answered(640 + (answer === 0 ? 0 : 20), now);
      rate.update(32, now);
      const wait = rate.waitMs(32, now)!;
      assert.ok(wait >= 640 && wait <= 660, `${wait} ms after answer ${answer} of batch ${batch}`);
    }
    const wait = rate.waitMs(32, now + 500)!;
    assert.ok(wait >= 640 && wait <= 660, `${wait} ms while batch ${batch} runs`);
  }
});

Deno.test("the time while nobody waited is not counted, nor are its answers", () => {
  const rate = new DrainRate();
  const now = drain(rate, 0, 10, { serviceMs: 10 });
  rate.update(undefined, now);
  rate.answered(5000, now + 5000);
  assert.equal(drain(rate, 60_000, 10, { serviceMs: 10 }), 60_100);
  assert.equal(waitMs(rate, 1, 60_100), 10);
});

Deno.test("one answer that took long does not shape the wait for long", () => {
  const rate = new DrainRate();
  let now = drain(rate, 0, 100, { serviceMs: 10 });
  now = drain(rate, now, 1, { serviceMs: 1000 });
  assert.ok(rate.waitMs(1, now)! < 50, `${rate.waitMs(1, now)} ms`);
  now = drain(rate, now, 100, { serviceMs: 10 });
  assert.ok(rate.waitMs(1, now)! < 13, `${rate.waitMs(1, now)} ms`);
});

Deno.test("a change of pace is followed within some tens of answers", () => {
  const rate = new DrainRate();
  let now = drain(rate, 0, 100, { serviceMs: 10 });
  now = drain(rate, now, 100, { serviceMs: 100 });
  const wait = rate.waitMs(1, now)!;
  assert.ok(wait > 90 && wait <= 100, `${wait} ms after 100 answers at 100 ms`);
});

Deno.test("the service time is a mean that the newest answers shape", () => {
  const time = new ServiceTime();
  assert.equal(time.estimateMs(9, 0), undefined);
  time.took(100, 9, 100);
  assert.equal(time.estimateMs(9, 100), 100);
  time.took(132, 9, 200);
  assert.equal(time.estimateMs(9, 200), 101);
});

Deno.test("an answer that may have fewer tokens than the mean takes its share, one that may have more takes the mean", () => {
  const time = new ServiceTime();
  time.took(100, 50, 100);
  assert.equal(time.estimateMs(5, 100), 10);
  assert.equal(time.estimateMs(1000, 100), 100);
});

Deno.test("answers without a token say nothing of tokens", () => {
  const time = new ServiceTime();
  time.took(100, 0, 100);
  assert.equal(time.estimateMs(1, 100), 100);
});

Deno.test("a service time that nothing has confirmed lately is not relied on, and gives way to the next", () => {
  const time = new ServiceTime();
  time.took(100, 9, 100);
  assert.equal(time.estimateMs(9, 500), 100);
  assert.equal(time.estimateMs(9, 501), undefined);
  time.took(20, 9, 600);
  assert.equal(time.estimateMs(9, 600), 60);
});
