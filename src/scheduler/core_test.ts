import assert from "node:assert/strict";
import fc from "fast-check";
import { direct } from "../policy/direct.ts";
import { microBatch } from "../policy/micro_batch.ts";
import { queued } from "../policy/queued.ts";
import { World } from "./core_world.ts";

const LIMITS = { queueCapacity: 8, workerTimeoutMs: 1000 };

Deno.test("direct sends each request at once and alone", () => {
  const world = new World(direct, LIMITS);
  world.arrive();
  world.arrive();
  assert.deepEqual(world.running.map((group) => group.members.length), [1, 1]);
});

Deno.test("queued keeps one at the worker and sends the next when it comes back", () => {
  const world = new World(queued(1), LIMITS);
  const [first, second] = [world.arrive(), world.arrive()];
  assert.deepEqual(world.runningTickets(), [first]);
  world.advance(5);
  world.answerOldest();
  assert.deepEqual(world.runningTickets(), [second]);
  world.answerOldest();
  assert.equal(world.answered(second).dispatch.queueWaitMs, 5);
  assert.equal(world.answered(second).dispatch.lateMs, 0);
});

const BATCHES = { windowMs: 10, maxSize: 3, batchesInFlight: 1 };

Deno.test("a batch leaves when its first request has waited the window, not the last", () => {
  const world = new World(microBatch(BATCHES), LIMITS);
  world.arrive();
  world.advance(9);
  world.arrive();
  assert.equal(world.running.length, 0);
  world.advance(1);
  assert.equal(world.running[0]?.members.length, 2);
  world.answerOldest();
  assert.deepEqual(world.answered(1).dispatch, {
    id: 1,
    size: 2,
    reason: "window",
    lateMs: 0,
    queueWaitMs: 10,
  });
});

Deno.test("a full batch leaves without waiting", () => {
  const world = new World(microBatch(BATCHES), LIMITS);
  for (let i = 0; i < 3; i++) world.arrive();
  world.answerOldest();
  assert.equal(world.answered(3).dispatch.reason, "full");
  assert.equal(world.answered(3).dispatch.queueWaitMs, 0);
});

Deno.test("while a batch is out the queue fills, and what is due leaves when it comes back", () => {
  const world = new World(microBatch(BATCHES), LIMITS);
  for (let i = 0; i < 5; i++) world.arrive();
  world.advance(50);
  assert.deepEqual(world.runningTickets(), [1, 2, 3]);
  world.answerOldest();
  assert.deepEqual(world.runningTickets(), [4, 5]);
  world.answerOldest();
  assert.equal(world.answered(4).dispatch.lateMs, 0, "waiting for the worker is not the scheduler's delay");
});

Deno.test("with whenIdle a request leaves an idle worker's queue at once, and waits for a busy one", () => {
  const world = new World(microBatch({ ...BATCHES, batchesInFlight: 2, whenIdle: true }), LIMITS);
  world.arrive();
  world.arrive();
  assert.deepEqual(world.runningTickets(), [1]);
  world.answerOldest();
  assert.deepEqual(world.runningTickets(), [2]);
});

Deno.test("a full queue refuses with its depth and limit, and takes requests again when there is room", () => {
  const world = new World(queued(1), { ...LIMITS, queueCapacity: 2 });
  for (let i = 0; i < 3; i++) world.arrive();
  const refused = world.arrive();
  const { code, message } = world.refused(refused);
  assert.equal(code, "resource_exhausted");
  assert.match(message, /2 requests wait, QUEUE_CAPACITY is 2/);
  world.answerOldest();
  assert.equal(world.outcomes.has(world.arrive()), false);
  assert.equal(world.core.stats().refused, 1);
  assert.equal(world.core.stats().accepted, 4);
});

Deno.test("a burst in one tick is refused only beyond what the policy could send", () => {
  const world = new World(direct, { ...LIMITS, queueCapacity: 1 });
  const tickets = world.arriveTogether(50);
  assert.deepEqual(world.runningTickets(), tickets);
});

Deno.test("a cancelled or overdue request in the queue never reaches the worker", () => {
  const world = new World(queued(1), LIMITS);
  world.arrive();
  const cancelled = world.arrive();
  const overdue = world.arrive({ deadlineIn: 20 });
  const last = world.arrive();
  world.cancel(cancelled);
  world.advance(20);
  assert.equal(world.refused(cancelled).code, "cancelled");
  assert.equal(world.refused(overdue).code, "deadline_exceeded");
  world.answerOldest();
  assert.deepEqual(world.runningTickets(), [last]);
});

Deno.test("a request that arrives after its deadline is not sent", () => {
  const world = new World(direct, LIMITS);
  assert.equal(world.refused(world.arrive({ deadlineIn: -1 })).code, "deadline_exceeded");
  assert.equal(world.running.length, 0);
});

Deno.test("what is left of the deadline goes with the request, and the call lasts as long as its most patient member", () => {
  const world = new World(microBatch({ ...BATCHES, maxSize: 2 }), LIMITS);
  world.arrive({ deadlineIn: 100 });
  world.advance(4);
  world.arrive({ deadlineIn: 300 });
  const [group] = world.running;
  assert.deepEqual(group?.members.map((member) => member.remainingMs), [96, 300]);
  assert.equal(group?.timeoutMs, 300);
});

Deno.test("a batch goes on for the others when one caller leaves, and ends when all have left", () => {
  const world = new World(microBatch({ ...BATCHES, maxSize: 2 }), LIMITS);
  const [first, second] = [world.arrive(), world.arrive()];
  world.cancel(first);
  assert.deepEqual(world.cancelledCalls, []);
  world.cancel(second);
  assert.deepEqual(world.cancelledCalls, [1]);
  assert.equal(world.core.stats().inFlight, 0);
});

Deno.test("a silent worker is given up after its time-out and the next request is sent", () => {
  const world = new World(queued(1), LIMITS);
  const [first, second] = [world.arrive(), world.arrive()];
  world.advance(1000);
  assert.equal(world.answered(first).reply.status, "worker_timeout");
  assert.match(world.answered(first).reply.errorMessage, /1000 ms/);
  assert.deepEqual(world.cancelledCalls, [1]);
  assert.deepEqual(world.runningTickets(), [second]);
});

Deno.test("a call that failed answers each of its members with the failure", () => {
  const world = new World(microBatch({ ...BATCHES, maxSize: 2 }), LIMITS);
  const tickets = [world.arrive(), world.arrive()];
  world.failOldest("worker_unavailable");
  for (const ticket of tickets) assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
});

const policies = fc.oneof(
  fc.constant({ name: "direct" as const }),
  fc.record({ name: fc.constant("queued" as const), concurrency: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    name: fc.constant("micro_batch" as const),
    windowMs: fc.nat(20),
    maxSize: fc.integer({ min: 1, max: 5 }),
    batchesInFlight: fc.integer({ min: 1, max: 3 }),
    whenIdle: fc.boolean(),
  }),
);

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("arrive" as const), deadlineIn: fc.option(fc.nat(60)) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("burst" as const), count: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel" as const), pick: fc.nat() }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(25) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("answer" as const),
        pick: fc.nat(),
        fault: fc.constantFrom("none", "none", "drop", "double", "stray", "swap", "fail"),
      }),
    },
  ),
  { maxLength: 80 },
);

Deno.test("whatever happens, each request settles once, in order, within the limits and with its own reply", () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 10 }), steps, (options, queueCapacity, steps) => {
      const world = new World(policyOf(options), { queueCapacity, workerTimeoutMs: 200 });
      for (const step of steps) {
        if (step.kind === "arrive") {
          world.arrive(step.deadlineIn === null ? {} : { deadlineIn: step.deadlineIn });
        } else if (step.kind === "burst") world.arriveTogether(step.count);
        else if (step.kind === "cancel") world.cancel(1 + step.pick % Math.max(1, world.lastTicket));
        else if (step.kind === "advance") world.advance(step.ms);
        else if (step.fault === "fail") world.failOldest("worker_transport_error", step.pick);
        else world.answerOldest(step.fault, step.pick);
        checkLimits(world, options, queueCapacity);
      }
      world.finish();
      assert.equal(world.outcomes.size, world.lastTicket, "every request settled");
      const { accepted, settled, refused, queueDepth, inFlight } = world.core.stats();
      assert.deepEqual({ queueDepth, inFlight }, { queueDepth: 0, inFlight: 0 });
      assert.equal(accepted, settled);
      assert.equal(accepted + refused, world.lastTicket);
      assert.equal(world.wakeAt, undefined, "nothing is left to wake up for");
    }),
    { numRuns: 2000 },
  );
});

type PolicyOptions = typeof policies extends fc.Arbitrary<infer T> ? T : never;

function policyOf(options: PolicyOptions) {
  if (options.name === "direct") return direct;
  return options.name === "queued" ? queued(options.concurrency) : microBatch(options);
}

function checkLimits(world: World, options: PolicyOptions, queueCapacity: number): void {
  const { queueDepth } = world.core.stats();
  assert.ok(queueDepth <= queueCapacity);
  const oldest = world.oldestWaiting();
  if (options.name === "direct") return assert.equal(queueDepth, 0);
  if (options.name === "queued") {
    assert.ok(world.running.length <= options.concurrency);
    return assert.ok(
      queueDepth === 0 || world.running.length === options.concurrency,
      "no idle slot while some wait",
    );
  }
  assert.ok(world.running.length <= options.batchesInFlight);
  for (const { members } of world.running) assert.ok(members.length <= options.maxSize);
  if (!oldest || world.running.length === options.batchesInFlight) return;
  assert.ok(queueDepth < options.maxSize, "a full batch waits while the worker is free");
  assert.ok(world.now < oldest.receivedAt + options.windowMs, "a window is over while the worker is free");
  assert.ok(world.wakeAt !== undefined && world.wakeAt <= oldest.receivedAt + options.windowMs);
}
