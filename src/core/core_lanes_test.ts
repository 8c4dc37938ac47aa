/** What holds when requests ask for another mode than the engine's, one example each. */
import assert from "node:assert/strict";
import { World } from "../../tests/simulator/core_world.ts";

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

Deno.test("each mode's queue has places of its own: a full one refuses nobody else", () => {
  const world = new World({ ...QUEUED, MAX_BATCH_SIZE: 5 }, { queueCapacity: 2 });
  world.arriveTogether(3);
  assert.match(
    world.refused(world.arrive()).message,
    /the queue of mode queued is full: 2 requests wait, QUEUE_CAPACITY is 2/,
  );
  const direct = world.arrive({ mode: "direct" });
  assert.equal(world.running.at(-1), direct);
  const batched = world.arriveTogether(3, { mode: "micro_batch" });
  assert.equal(world.stats.queueDepth, 4, "the sum");
  assert.match(world.refused(batched[2]!).message, /the queue of mode micro_batch is full: 2 requests wait/);
  world.finish();
});

Deno.test("who fills the queue of a mode by hints does not close the engine's own", () => {
  const world = new World({ ...SETTINGS, ENGINE_MODE: "direct", MAX_CONCURRENT_STREAMS: 0 });
  const hinted = world.arriveTogether(20, { mode: "queued" });
  world.arrive({ mode: "micro_batch" });
  assert.equal(world.refused(hinted.at(-1)!).code, "resource_exhausted");
  const { queueDepth, fullestQueue } = world.stats;
  assert.equal(queueDepth, fullestQueue + 1, "one waits in another queue");
  const own = world.arriveTogether(20);
  assert.deepEqual(world.running, [hinted[0], ...own]);
  world.finish();
});

Deno.test("the bytes of prompts are counted for each mode by itself, and come back to it", () => {
  const world = new World(QUEUED, { queueBytes: 100 });
  world.arrive();
  const own = world.arrive({ bytes: 100 });
  const batched = world.arrive({ bytes: 60, mode: "micro_batch" });
  assert.equal(world.stats.queuedBytes, 160, "the sum");
  assert.match(
    world.refused(world.arrive({ bytes: 41, mode: "micro_batch" })).message,
    /the queue of mode micro_batch is full: 60 bytes of prompts wait, QUEUE_BYTES is 100/,
  );
  world.cancel(batched);
  assert.match(world.refused(world.arrive({ bytes: 1 })).message, /mode queued is full: 100 bytes/);
  assert.equal(world.outcomes.has(world.arrive({ bytes: 100, mode: "micro_batch" })), false);
  world.cancel(own);
  assert.equal(world.outcomes.has(world.arrive({ bytes: 100 })), false);
  world.finish();
});

Deno.test("a full queue lets its own mode's requests go, and breaks up no other's batch of this turn", () => {
  const world = new World({ ...BATCHES, BATCH_WHEN_IDLE: true }, { queueCapacity: 1 });
  const arrivals = [{}, { mode: "direct" }, { mode: "direct" }, { mode: "continuous" }] as const;
  const events = arrivals.map((arrival) => world.arrival(arrival));
  world.tell(...events);
  const [batched, ...others] = events.map(({ ticket }) => [ticket]);
  assert.deepEqual(world.groups, [others[0], batched, others[1], others[2]]);
  world.finish();
});

Deno.test("REFUSE_LATE and the hint when to come back go by the mode's own queue and answers", () => {
  const world = new World(QUEUED, { refuseLate: true, queueCapacity: 30 });
  world.arriveTogether(31);
  for (let ticket = 1; ticket <= 20; ticket++) {
    world.advance(600);
    world.answer(ticket);
  }
  assert.match(
    world.refused(world.arrive({ deadlineIn: 1500 })).message,
    /with 10 requests of mode queued waiting an answer takes about \d+ ms \(REFUSE_LATE\)/,
  );
  const direct = { mode: "direct", deadlineIn: 1500 } as const;
  const taken = world.arriveTogether(3, direct);
  assert.deepEqual(world.running.slice(1), taken.slice(0, 2));
  assert.equal(
    world.outcomes.has(taken[2]!),
    false,
    "it waits, and how long it takes is not known of its mode",
  );
  world.advance(40);
  for (const ticket of taken.slice(0, 2)) world.answer(ticket);
  world.advance(1);
  assert.equal(world.outcomes.has(world.arrive(direct)), false);
  const crowd = world.arriveTogether(31, { mode: "micro_batch" });
  assert.equal(world.stats.refused, 1, crowd.join());
  const more = world.arriveTogether(3, { mode: "micro_batch" });
  assert.equal(world.refused(more[2]!).retryAfterMs, 1000, "its own pace is not known");
});

Deno.test("one that has waited is given up by its own mode's time of an answer", () => {
  const world = new World(QUEUED, { refuseLate: true });
  const slow = world.arrive();
  world.advance(500);
  world.answer(slow);
  const [first] = world.arriveTogether(2, { mode: "continuous" });
  const waits = world.arrive({ mode: "continuous", deadlineIn: 300 });
  world.advance(10);
  world.answer(first!);
  assert.equal(world.running.at(-1), waits, "an answer of the other mode took 500 ms");
  world.finish();
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
    const { dispatch, attempts } = world.answered(ticket!);
    assert.equal(attempts, 2);
    assert.equal(dispatch?.lateMs, 0);
  }
});

Deno.test("when a suspect of a later lane is given up, what it kept waiting in an earlier one leaves at once", () => {
  const world = new World({ ...SETTINGS, ENGINE_MODE: "continuous" }, { refuseLate: true });
  const first = world.arrive({ mode: "direct" });
  world.advance(500);
  world.answer(first);
  const suspect = world.arrive({ mode: "direct", deadlineIn: 700 });
  world.crash();
  world.advance(200);
  const waits = world.arrive();
  world.worker("up");
  assert.equal(world.refused(suspect).code, "resource_exhausted");
  assert.deepEqual(world.running, [waits]);
  world.finish();
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
    { id: 1, worker: 0, mode: "queued", reason: "slot", lateMs: 0, at: 1000, tickets: [own] },
    { id: 2, worker: 0, mode: "micro_batch", reason: "window", lateMs: 7, at: 1017, tickets: batched },
  ]);
  assert.equal(world.stats.dispatches, 2);
  world.finish();
});
