import assert from "node:assert/strict";
import fc from "fast-check";
import { fifo, type Queueable } from "./order.ts";

interface Item extends Queueable<Item> {}

function item(ticket: number): Item {
  return { ticket, previous: undefined, next: undefined };
}

Deno.test("a queue behaves like an array under pushes, takes and removals from anywhere", () => {
  const steps = fc.array(fc.oneof(
    fc.record({ kind: fc.constant("push" as const) }),
    fc.record({ kind: fc.constant("take" as const) }),
    fc.record({ kind: fc.constant("remove" as const), at: fc.nat(20) }),
  ));
  fc.assert(fc.property(steps, (steps) => {
    const queue = fifo.make<Item>();
    const model: Item[] = [];
    let lastId = 0;
    for (const step of steps) {
      if (step.kind === "push") {
        const next = item(++lastId);
        queue.push(next);
        model.push(next);
      } else if (step.kind === "take") {
        assert.equal(queue.take(), model.shift());
      } else {
        const [gone] = model.splice(step.at, 1);
        if (gone) queue.remove(gone);
      }
      assert.equal(queue.length, model.length);
      assert.equal(queue.first, model[0]);
    }
    assert.deepEqual(Array.from({ length: queue.length }, () => queue.take()), model);
  }));
});

Deno.test("an item that is put back stands where it would be had it never left", () => {
  fc.assert(fc.property(fc.uniqueArray(fc.nat(50)), fc.uniqueArray(fc.nat(50)), (waiting, back) => {
    const queue = fifo.make<Item>();
    const ids = waiting.toSorted((a, b) => a - b);
    for (const id of ids) queue.push(item(id));
    for (const id of back) queue.putBack(item(id));
    const order = Array.from({ length: queue.length }, () => queue.take()!.ticket);
    assert.deepEqual(order, [...ids, ...back].toSorted((a, b) => a - b));
    assert.equal(queue.first, undefined);
  }));
});

Deno.test("an item that has left can come back", () => {
  const queue = fifo.make<Item>();
  const [first, second] = [item(1), item(2)];
  for (const one of [first, second]) queue.push(one);
  queue.remove(first);
  queue.push(first);
  queue.remove(second);
  queue.putBack(second);
  assert.deepEqual([queue.take(), queue.take(), queue.take()], [first, second, undefined]);
});
