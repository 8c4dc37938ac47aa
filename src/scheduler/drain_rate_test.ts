import assert from "node:assert/strict";
import { DrainRate, ServiceTime } from "./drain_rate.ts";

Deno.test("nothing is promised before anybody waited", () => {
  const rate = new DrainRate();
  assert.equal(rate.waitMs(3), undefined);
  rate.backlogBegan(100);
  rate.answered(1, 100);
  assert.equal(rate.waitMs(3), undefined, "an answer of the moment that the queue began tells nothing of it");
});

Deno.test("a steady queue's wait is its depth times the time between two answers", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  for (let now = 40; now <= 4000; now += 40) rate.answered(1, now);
  assert.equal(rate.waitMs(1), 40);
  assert.equal(rate.waitMs(10), 400);
});

Deno.test("a group counts as many answers at once", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  for (let now = 80; now <= 8000; now += 80) rate.answered(8, now);
  assert.equal(rate.waitMs(8), 80);
});

Deno.test("the time while nobody waited is not counted", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  rate.answered(1, 10);
  rate.backlogBegan(60_000);
  rate.answered(1, 60_010);
  assert.equal(rate.waitMs(1), 10);
});

Deno.test("a change of pace is followed within some tens of answers", () => {
  const rate = new DrainRate();
  rate.backlogBegan(0);
  for (let now = 10; now <= 1000; now += 10) rate.answered(1, now);
  for (let now = 1100; now <= 11_000; now += 100) rate.answered(1, now);
  const waitMs = rate.waitMs(1)!;
  assert.ok(waitMs > 90 && waitMs <= 100, `${waitMs} ms after 100 answers at 100 ms`);
});

Deno.test("the service time is a mean that the newest answers shape", () => {
  const time = new ServiceTime();
  assert.equal(time.meanMs(0), undefined);
  time.took(100, 100);
  assert.equal(time.meanMs(100), 100);
  time.took(132, 200);
  assert.equal(time.meanMs(200), 101);
});

Deno.test("a service time that nothing has confirmed lately is not relied on, and gives way to the next", () => {
  const time = new ServiceTime();
  time.took(100, 100);
  assert.equal(time.meanMs(500), 100);
  assert.equal(time.meanMs(501), undefined);
  time.took(20, 600);
  assert.equal(time.meanMs(600), 60);
});
