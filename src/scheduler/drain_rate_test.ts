import assert from "node:assert/strict";
import { DrainRate, ServiceTime } from "./drain_rate.ts";

Deno.test("nothing is promised before anybody waited", () => {
  const rate = new DrainRate();
  assert.equal(rate.waitMs(3), undefined);
  rate.backlogBegan(100);
  rate.left(1, 100);
  assert.equal(rate.waitMs(3), undefined, "who goes straight through tells nothing of the queue");
});

Deno.test("a steady queue's wait is its depth times the time between two departures", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  for (let now = 40; now <= 4000; now += 40) rate.left(1, now);
  assert.equal(rate.waitMs(1), 40);
  assert.equal(rate.waitMs(10), 400);
});

Deno.test("a group counts as many departures at once", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  for (let now = 80; now <= 8000; now += 80) rate.left(8, now);
  assert.equal(rate.waitMs(8), 80);
});

Deno.test("the time while nobody waited is not counted", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  rate.left(1, 10);
  rate.backlogBegan(60_000);
  rate.left(1, 60_010);
  assert.equal(rate.waitMs(1), 10);
});

Deno.test("a change of pace is followed within some tens of departures", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  for (let now = 10; now <= 1000; now += 10) rate.left(1, now);
  for (let now = 1100; now <= 11_000; now += 100) rate.left(1, now);
  const waitMs = rate.waitMs(1)!;
  assert.ok(waitMs > 90 && waitMs <= 100, `${waitMs} ms after 100 departures at 100 ms`);
});

Deno.test("the service time is a mean that the newest answers shape", () => {
  const time = new ServiceTime();
  assert.equal(time.meanMs, undefined);
  time.took(100);
  assert.equal(time.meanMs, 100);
  time.took(132);
  assert.equal(time.meanMs, 101);
});
