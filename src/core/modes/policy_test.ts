import assert from "node:assert/strict";
import fc from "fast-check";
import { gate } from "./gate.ts";
import { gatherBatches } from "./micro_batch.ts";
import { gateOfTwoKinds } from "./queued.ts";

const views = fc.record({
  depth: fc.nat(100),
  oldestReceivedAt: fc.nat(1000),
  oldestIsStream: fc.boolean(),
  runningOthers: fc.nat(40),
  runningStreams: fc.nat(40),
  groupsInFlight: fc.nat(5),
  workerRows: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
}).map(({ runningOthers, ...view }) => ({ ...view, running: runningOthers + view.runningStreams }));

const batches = fc.record({
  windowMs: fc.nat(50),
  maxSize: fc.integer({ min: 1, max: 40 }),
  batchesInFlight: fc.integer({ min: 1, max: 4 }),
  whenIdle: fc.boolean(),
});

const gates = fc.record({ limit: fc.nat(40), reason: fc.constant("gate" as const), together: fc.boolean() });

const twoKinds = fc.record({
  limit: fc.integer({ min: 1, max: 40 }),
  streamLimit: fc.nat(40),
});

Deno.test("every policy takes at least one and at most all that wait, and asks to be woken only later", () => {
  const policies = fc.oneof(
    gates.map((options) => gate(options)),
    twoKinds.map(({ limit, streamLimit }) => gateOfTwoKinds(limit, streamLimit)),
    batches.map((options) => gatherBatches(options)),
  );
  fc.assert(fc.property(policies, views, fc.nat(1100), (policy, view, now) => {
    const decision = policy.decide(view, now);
    if (decision.kind === "dispatch") assert.ok(decision.take >= 1 && decision.take <= view.depth);
    if (decision.kind === "wait") assert.ok(decision.until > now);
  }));
});

Deno.test("micro_batch keeps to its size, its groups at the worker and its window", () => {
  fc.assert(fc.property(batches, views, fc.nat(1100), (options, view, now) => {
    const decision = gatherBatches(options).decide(view, now);
    const dueAt = view.oldestReceivedAt + options.windowMs;
    if (view.depth === 0 || view.groupsInFlight >= options.batchesInFlight) {
      assert.equal(decision.kind, "idle");
    } else if (view.depth >= options.maxSize) {
      assert.deepEqual(decision, { kind: "dispatch", take: options.maxSize, reason: "full" });
    } else if (now >= dueAt) {
      assert.deepEqual(decision, { kind: "dispatch", take: view.depth, reason: "window", dueAt });
    } else if (options.whenIdle && view.groupsInFlight === 0) {
      assert.deepEqual(decision, { kind: "dispatch", take: view.depth, reason: "idle" });
    } else {
      assert.deepEqual(decision, { kind: "wait", until: dueAt });
    }
  }));
});

Deno.test("a gate lets through what fits beside those that run, by its limit or the worker's, all or one at a time", () => {
  fc.assert(fc.property(gates, views, (options, view) => {
    const decision = gate(options).decide(view, 0);
    const free = (options.limit || Math.ceil(1.25 * (view.workerRows ?? Infinity))) - view.running;
    const fitting = Math.min(view.depth, free);
    if (fitting <= 0) assert.equal(decision.kind, "idle");
    else {
      assert.deepEqual(decision, {
        kind: "dispatch",
        take: options.together ? fitting : 1,
        reason: options.reason,
        isDivisible: options.together,
      });
    }
  }));
});

Deno.test("a gate of two kinds lets the oldest go when its own kind has a free place", () => {
  fc.assert(fc.property(twoKinds, views, (options, view) => {
    const { limit, streamLimit } = options;
    const others = view.running - view.runningStreams;
    const hasPlace = streamLimit === 0
      ? view.running < limit
      : view.oldestIsStream
      ? view.runningStreams < streamLimit
      : others < limit;
    assert.deepEqual(
      gateOfTwoKinds(limit, streamLimit).decide(view, 0),
      view.depth > 0 && hasPlace
        ? { kind: "dispatch", take: 1, reason: "slot", isDivisible: false }
        : { kind: "idle" },
    );
  }));
});
