import assert from "node:assert/strict";
import { WorkerWatch } from "./worker_watch.ts";

Deno.test("requests go to a worker that is up, and to no other", () => {
  const watch = new WorkerWatch(1000);
  assert.equal(watch.takesRequests, false);
  for (const state of ["up", "draining", "down", "up"] as const) {
    watch.told(state, "", 0);
    assert.equal(watch.takesRequests, state === "up", state);
  }
});

Deno.test("a lost worker is waited for from the moment it was lost, however often its state changes", () => {
  const watch = new WorkerWatch(1000);
  watch.told("up", "", 0);
  watch.told("draining", "it stops", 100);
  watch.told("down", "it is gone", 700);
  watch.told("down", "still gone", 900);
  assert.equal(watch.giveUpAt, 1100);
  assert.equal(watch.detail, "still gone");
  assert.equal(watch.givesUp(1099), false);
  assert.equal(watch.givesUp(1100), true);
});

Deno.test("a worker that comes back ends the wait, and the next loss begins a new one", () => {
  const watch = new WorkerWatch(1000);
  watch.told("up", "", 0);
  watch.told("down", "", 100);
  watch.told("up", "", 200);
  assert.equal(watch.giveUpAt, undefined);
  watch.told("down", "", 5000);
  assert.equal(watch.giveUpAt, 6000);
});

Deno.test("a worker that never was is given up at once", () => {
  const watch = new WorkerWatch(1000);
  watch.told("down", "nothing answers", 50);
  assert.equal(watch.givesUp(50), true);
});

Deno.test("one that may still connect is waited for from the first request on", () => {
  const watch = new WorkerWatch(1000);
  assert.equal(watch.giveUpAt, undefined);
  watch.wanted(300);
  watch.wanted(800);
  assert.equal(watch.giveUpAt, 1300);
});

Deno.test("who gives up on a worker that was never heard of can say why", () => {
  const watch = new WorkerWatch(1000);
  watch.wanted(0);
  assert.equal(watch.givesUp(1000), true);
  assert.equal(watch.detail, "not connected yet");
});
