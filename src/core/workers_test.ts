import assert from "node:assert/strict";
import fc from "fast-check";
import { route, Workers } from "./workers.ts";

/** One worker, and what is known of it. */
function one() {
  const workers = new Workers([0], 1000);
  const place = workers.at(0);
  return {
    workers,
    place,
    update: (state: "up" | "draining" | "down", now: number, detail = "") =>
      workers.update(place, state, detail, now),
  };
}

Deno.test("requests go to a worker that is up, and to no other", () => {
  const { workers, update } = one();
  assert.equal(workers.isAvailable, false);
  for (const state of ["up", "draining", "down", "up"] as const) {
    update(state, 0);
    assert.equal(workers.isAvailable, state === "up", state);
  }
});

Deno.test("a lost worker is waited for from the moment it was lost, however often its state changes", () => {
  const { workers, update } = one();
  update("up", 0);
  update("draining", 100, "it stops");
  update("down", 700, "it is gone");
  update("down", 900, "still gone");
  assert.equal(workers.giveUpAt, 1100);
  assert.equal(workers.detail, "still gone");
  assert.equal(workers.isGivenUp(1099), false);
  assert.equal(workers.isGivenUp(1100), true);
});

Deno.test("a worker that comes back ends the wait, and the next loss begins a new one", () => {
  const { workers, update } = one();
  update("up", 0);
  update("down", 100);
  update("up", 200);
  assert.equal(workers.giveUpAt, undefined);
  update("down", 5000);
  assert.equal(workers.giveUpAt, 6000);
});

Deno.test("a worker that never was is given up at once", () => {
  const { workers, update } = one();
  update("down", 50, "nothing answers");
  assert.equal(workers.isGivenUp(50), true);
});

Deno.test("one that may still connect is waited for from the first request on", () => {
  const { workers } = one();
  assert.equal(workers.giveUpAt, undefined);
  workers.expect(300);
  workers.expect(800);
  assert.equal(workers.giveUpAt, 1300);
  assert.equal(workers.detail, "not connected yet");
});

Deno.test("requests wait as long as one of several workers may come", () => {
  const workers = new Workers([0, 1], 1000);
  workers.update(workers.at(0), "down", "nothing answers", 0);
  assert.equal(workers.giveUpAt, undefined, "the other may still connect");
  workers.expect(100);
  assert.equal(workers.giveUpAt, 1100);
  workers.update(workers.at(1), "up", "", 200);
  assert.equal(workers.isGivenUp(5000), false);
  workers.update(workers.at(1), "down", "gone", 5000);
  assert.equal(workers.giveUpAt, 6000);
});

Deno.test("a router takes the least loaded, of equals the first", () => {
  const view = fc.record({ worker: fc.nat(9), running: fc.nat(5) });
  fc.assert(fc.property(fc.array(view, { minLength: 1 }), (able) => {
    const taken = route(able);
    const least = Math.min(...able.map(({ running }) => running));
    assert.equal(taken, able.find(({ running }) => running === least));
  }));
});
