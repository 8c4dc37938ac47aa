/** What holds when requests ask for another mode than the engine's, one example each. */
import assert from "node:assert/strict";
import { World } from "./core_world.ts";

/** Every mode's own limit is one that shows. */
const SETTINGS = {
  QUEUED_CONCURRENCY: 1,
  MAX_CONCURRENT_STREAMS: 2,
  BATCH_WINDOW_MS: 10,
  MAX_BATCH_SIZE: 3,
  BATCHES_IN_FLIGHT: 1,
  BATCH_WHEN_IDLE: false,
} as const;
const QUEUED = { ...SETTINGS, ENGINE_MODE: "queued" } as const;
const BATCHES = { ...SETTINGS, ENGINE_MODE: "micro_batch" } as const;

Deno.test("a request goes by the mode that it asks for, whoever waits in the engine's own", () => {
  const world = new World(QUEUED);
  const [first, waits] = world.arriveTogether(2);
  const direct = world.arrive({ mode: "direct" });
  assert.deepEqual(world.running, [first, direct]);
  world.answer(direct);
  assert.equal(world.answered(direct).dispatch?.reason, "direct");
  assert.deepEqual(world.running, [first], "the place that it leaves is not the other lane's");
  world.answer(first!);
  assert.deepEqual(world.running, [waits]);
  world.finish();
});

Deno.test("who asks for the engine's own mode waits in line with those that ask for none", () => {
  const world = new World(QUEUED);
  const tickets = [world.arrive({ mode: "queued" }), world.arrive(), world.arrive({ mode: "queued" })];
  for (const ticket of tickets) {
    assert.deepEqual(world.running, [ticket]);
    world.answer(ticket);
  }
  world.finish();
});

Deno.test("each lane is first in, first out, and keeps its own limits beside the others", () => {
  const world = new World(QUEUED);
  const own = world.arriveTogether(2);
  const gated = world.arriveTogether(3, { mode: "continuous" });
  const batched = world.arriveTogether(4, { mode: "micro_batch" });
  assert.deepEqual(world.groups, [[own[0]], gated.slice(0, 2), batched.slice(0, 3)]);
  world.advance(20);
  world.answer(gated[1]!);
  assert.deepEqual(world.groups.at(-1), [gated[2]]);
  for (const ticket of batched.slice(0, 2)) world.answer(ticket);
  assert.equal(world.groups.length, 4, "the batch is still out");
  world.answer(batched[2]!);
  assert.deepEqual(world.groups.at(-1), [batched[3]]);
  world.answer(own[0]!);
  assert.deepEqual(world.groups.at(-1), [own[1]]);
  world.finish();
});

Deno.test("a window ends on time while the engine's own lane waits for a place", () => {
  const world = new World(QUEUED);
  world.arriveTogether(2);
  const batched = world.arrive({ mode: "micro_batch" });
  assert.equal(world.wakeAt, 1010);
  world.advance(10);
  assert.deepEqual(world.groups.at(-1), [batched]);
  world.finish();
});

Deno.test("a lane that waits its window out keeps no other from leaving", () => {
  const world = new World(BATCHES);
  const batched = world.arrive();
  const direct = world.arrive({ mode: "direct" });
  assert.deepEqual(world.running, [direct]);
  world.advance(10);
  assert.deepEqual(world.groups.at(-1), [batched]);
  world.finish();
});

Deno.test("a lane is idle when nothing of its own is at the worker", () => {
  const world = new World({ ...QUEUED, BATCH_WHEN_IDLE: true });
  world.arrive();
  const batched = world.arrive({ mode: "micro_batch" });
  assert.equal(world.notices.at(-1)?.reason, "idle");
  assert.deepEqual(world.notices.at(-1)?.tickets, [batched]);
  world.finish();
});

Deno.test("a place that another lane gets back moves nobody's phases, and is no delay of the scheduler", () => {
  const world = new World(QUEUED);
  const [first, second] = world.arriveTogether(2);
  const direct = world.arrive({ mode: "direct" });
  world.advance(3);
  world.answer(direct);
  world.advance(4);
  world.answer(first!);
  world.answer(second!);
  const { dispatch, phases } = world.answered(second!);
  assert.equal(phases.placeAt, 1007);
  assert.equal(phases.dispatchedAt, 1007);
  assert.equal(dispatch?.lateMs, 0);
});

Deno.test("the queue's limits are for all lanes together", () => {
  const world = new World(QUEUED, { queueCapacity: 2 });
  world.arriveTogether(2);
  world.arriveTogether(2, { mode: "micro_batch" });
  assert.equal(world.stats.queueDepth, 2);
  assert.match(world.refused(4).message, /2 requests wait, QUEUE_CAPACITY is 2/);
  assert.equal(world.refused(world.arrive()).code, "resource_exhausted");
  const direct = world.arrive({ mode: "direct" });
  assert.equal(world.refused(direct).code, "resource_exhausted", "also for who would not have to wait");
});

Deno.test("requests of a lost worker go back to the front of their own lanes", () => {
  const world = new World(QUEUED);
  const own = world.arriveTogether(2);
  const gated = world.arriveTogether(3, { mode: "continuous" });
  world.advance(5);
  world.crash();
  assert.equal(world.stats.queueDepth, 5);
  world.advance(40);
  world.worker("up");
  assert.deepEqual(world.groups.slice(2), [[own[0]], gated.slice(0, 2)]);
  world.finish();
  for (const ticket of [own[0], gated[0], gated[1]]) {
    const { dispatch } = world.answered(ticket!);
    assert.equal(dispatch?.attempts, 2);
    assert.equal(dispatch?.lateMs, 0);
  }
});

Deno.test("when no worker comes back, all lanes are told", () => {
  const world = new World(QUEUED, { workerWaitMs: 50 });
  world.crash();
  const tickets = [world.arrive(), world.arrive({ mode: "direct" }), world.arrive({ mode: "micro_batch" })];
  world.advance(50);
  for (const ticket of tickets) assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
});

Deno.test("deadlines and cancels reach requests of every lane", () => {
  const world = new World(QUEUED);
  const batched = world.arrive({ mode: "micro_batch" });
  const overdue = world.arrive({ mode: "micro_batch", deadlineIn: 4 });
  world.advance(4);
  assert.equal(world.refused(overdue).code, "deadline_exceeded");
  world.cancel(batched);
  assert.equal(world.refused(batched).code, "cancelled");
  world.advance(20);
  assert.deepEqual(world.groups, []);
  world.finish();
});

Deno.test("each group is told of with its mode, and dispatches are counted over all lanes", () => {
  const world = new World(QUEUED);
  const own = world.arrive();
  const batched = world.arriveTogether(2, { mode: "micro_batch" });
  world.now += 17; // the wake-up comes late
  world.tell({ kind: "wake" });
  assert.deepEqual(world.notices, [
    { id: 1, mode: "queued", reason: "slot", lateMs: 0, at: 1000, tickets: [own] },
    { id: 2, mode: "micro_batch", reason: "window", lateMs: 7, at: 1017, tickets: batched },
  ]);
  assert.equal(world.stats.dispatches, 2);
  world.finish();
});
