/** What several workers change, one example each; what holds whatever happens is what tests/simulator looks for. */
import assert from "node:assert/strict";
import { World } from "../../tests/simulator/core_world.ts";

const CONTINUOUS = { ENGINE_MODE: "continuous", MAX_CONCURRENT_STREAMS: 2 } as const;
const QUEUED = { ENGINE_MODE: "queued", QUEUED_CONCURRENCY: 1 } as const;
const BATCHES = {
  ENGINE_MODE: "micro_batch",
  BATCH_WINDOW_MS: 10,
  MAX_BATCH_SIZE: 2,
  BATCHES_IN_FLIGHT: 1,
} as const;

Deno.test("each request goes to the least loaded worker that can take it, and limits hold for each worker", () => {
  const world = new World(QUEUED, {}, { workers: 3 });
  const [first, second, third, fourth] = world.arriveTogether(4);
  assert.deepEqual([0, 1, 2].map((worker) => world.runningAt(worker)), [[first], [second], [third]]);
  world.answer(second!);
  assert.deepEqual(world.runningAt(1), [fourth]);
  world.finish();
});

Deno.test("batches in flight count for each worker, and a window is the queue's", () => {
  const world = new World(BATCHES, {}, { workers: 2 });
  const [first, second] = [world.arriveTogether(2), world.arriveTogether(2)];
  assert.deepEqual([world.runningAt(0), world.runningAt(1)], [first, second]);
  const waiting = world.arrive();
  world.advance(100);
  assert.equal(world.running.includes(waiting), false);
  for (const ticket of first) world.answer(ticket);
  assert.deepEqual(world.runningAt(0), [waiting]);
  world.finish();
});

Deno.test("the loss of one worker leaves what runs at the others alone", () => {
  const world = new World(CONTINUOUS, {}, { workers: 2 });
  const [first, second] = [world.arrive({ stream: true }), world.arrive({ stream: true })];
  for (const ticket of [first, second]) world.token(ticket);
  world.crash("worker_unavailable", 0);
  assert.equal(world.answered(first).reply.status, "worker_unavailable");
  assert.deepEqual(world.runningAt(1), [second]);
  world.finish();
  assert.equal(world.answered(second).reply.status, "ok");
});

Deno.test("suspects have one worker set aside for them, and the others go on with everybody else", () => {
  const world = new World(CONTINUOUS, { queueCapacity: 100 }, { workers: 3 });
  const [suspect, other, third] = world.arriveTogether(3);
  world.crash("worker_unavailable", 0);
  const later = world.arriveTogether(4);
  assert.deepEqual(world.runningAt(1), [other], "the emptiest is set aside, and gets no more");
  assert.deepEqual(world.runningAt(2), [third, later[0]]);
  world.answer(other!);
  assert.deepEqual(world.runningAt(1), [suspect], "once it is empty the suspect goes there");
  world.answer(suspect!);
  assert.deepEqual(world.runningAt(1), [later[1], later[2]]);
  world.finish();
});

Deno.test("what a worker says of another's rows is nobody's", () => {
  const world = new World(CONTINUOUS, {}, { workers: 2 });
  const [first] = [world.arrive({ stream: true }), world.arrive({ stream: true })];
  const { sequence, submission } = world.row(first);
  const text = `${submission.prompt}:0 `;
  world.step({ deltas: [{ sequence, tokenIndex: 0, tokens: 1, text }] }, 1);
  assert.equal(world.streamed(first), "");
  world.finish();
  assert.equal(world.answered(first).reply.status, "ok");
});

Deno.test("requests wait for the last worker that may come back", () => {
  const world = new World(QUEUED, { workerWaitMs: 1000 }, { workers: 2 });
  world.worker("down", undefined, 0);
  world.advance(500);
  world.worker("down", undefined, 1);
  const ticket = world.arrive();
  world.advance(999);
  assert.equal(world.outcomes.has(ticket), false);
  world.advance(1);
  assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
  assert.equal(world.answered(ticket).attempts, 0);
});
