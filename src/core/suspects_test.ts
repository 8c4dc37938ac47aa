import assert from "node:assert/strict";
import { World } from "../../tests/simulator/core_world.ts";
import type { Ticket } from "./types.ts";

const CONTINUOUS = { ENGINE_MODE: "continuous", MAX_CONCURRENT_STREAMS: 0 } as const;

/** Answers what runs, and lets the worker die and come back while `poison` is at it; how many were there each time. */
function untilFound(world: World, poison: Ticket): number[] {
  const aboard: number[] = [];
  while (!world.outcomes.has(poison)) {
    if (world.running.includes(poison)) {
      aboard.push(world.running.length);
      world.crash();
      world.worker("up");
    } else {
      for (const ticket of world.running) world.answer(ticket);
    }
  }
  return aboard;
}

for (const stream of [false, true]) {
  Deno.test(`a ${stream ? "stream" : "request"} that ends its worker is found by halves, and costs the others no try`, () => {
    const world = new World(CONTINUOUS, { maxAttempts: 2, queueCapacity: 100 });
    const tickets = world.arriveTogether(32, { stream });
    const poison = tickets[20]!;
    const aboard = untilFound(world, poison);
    assert.deepEqual(aboard, [32, 32, 16, 8, 4, 2, 1]);
    const { reply, attempts } = world.answered(poison);
    assert.equal(reply.status, "worker_runtime_error");
    assert.equal(
      reply.errorMessage,
      "the worker is gone; sent 7 times (WORKER_TRIES): the worker was lost each time, at last with no other request at it",
    );
    assert.equal(attempts, 7);
    world.finish();
    for (const ticket of tickets) {
      if (ticket !== poison) assert.equal(world.answered(ticket).reply.status, "ok");
    }
  });
}

Deno.test("two requests that end their worker are both found", () => {
  const world = new World(CONTINUOUS, { queueCapacity: 100 });
  const tickets = world.arriveTogether(16);
  for (const poison of [tickets[3]!, tickets[4]!]) {
    untilFound(world, poison);
    assert.equal(world.answered(poison).reply.status, "worker_runtime_error");
  }
  world.finish();
  const ok = tickets.filter((ticket) => world.answered(ticket).reply.status === "ok");
  assert.equal(ok.length, 14);
});

Deno.test("nothing else is sent before the suspects have ended or begun their streams", () => {
  const world = new World(CONTINUOUS);
  const suspects = [world.arrive(), world.arrive({ stream: true })];
  world.crash();
  const later = world.arrive();
  const elsewhere = world.arrive({ mode: "direct" });
  world.worker("up");
  assert.deepEqual(world.running, suspects);
  world.answer(suspects[0]!);
  assert.deepEqual(world.running, [suspects[1]]);
  world.token(suspects[1]!);
  assert.deepEqual(world.running, [suspects[1], later, elsewhere]);
  world.finish();
});

Deno.test("a suspect waits for streams that have begun, lest it takes them along", () => {
  const world = new World(CONTINUOUS);
  const [stream, suspect] = [world.arrive({ stream: true }), world.arrive()];
  for (let loss = 0; loss < 2; loss++) {
    world.crash();
    world.worker("up");
  }
  world.token(stream);
  assert.deepEqual(world.running, [stream]);
  world.answer(stream);
  assert.deepEqual(world.running, [suspect]);
  world.finish();
});

Deno.test("calls that break one by one make suspects once the worker is known to be gone", () => {
  const world = new World(CONTINUOUS);
  const tickets = world.arriveTogether(4);
  world.worker("draining");
  for (const ticket of tickets) world.lose(ticket);
  world.worker("down");
  const later = world.arrive();
  world.worker("up");
  assert.deepEqual(world.running, tickets);
  for (const ticket of tickets) world.answer(ticket);
  assert.deepEqual(world.running, [later]);
  world.finish();
  for (const ticket of tickets) assert.equal(world.answered(ticket).reply.status, "ok");
});

Deno.test("calls that break while the worker lives make no suspects", () => {
  const world = new World(CONTINUOUS);
  const tickets = world.arriveTogether(4);
  for (const ticket of tickets) world.lose(ticket);
  assert.equal(world.running.length, 4);
  world.finish();
});

Deno.test("with one try allowed a request is never sent again, whoever ended the worker", () => {
  const world = new World(CONTINUOUS, { maxAttempts: 1 });
  const tickets = world.arriveTogether(3);
  world.crash();
  for (const ticket of tickets) assert.equal(world.answered(ticket).reply.status, "worker_unavailable");
  world.worker("up");
  world.finish();
});
