import assert from "node:assert/strict";
import fc from "fast-check";
import { Deadlines } from "./deadlines.ts";

Deno.test("due keys come out once each, earliest first, and deleted ones never", () => {
  const steps = fc.array(fc.oneof(
    fc.record({ kind: fc.constant("set" as const), key: fc.nat(30), at: fc.nat(100) }),
    fc.record({ kind: fc.constant("delete" as const), key: fc.nat(30) }),
    fc.record({ kind: fc.constant("pop" as const), at: fc.nat(100) }),
  ));
  fc.assert(fc.property(steps, (steps) => {
    const deadlines = new Deadlines();
    const model = new Map<number, number>();
    for (const step of steps) {
      if (step.kind === "set") {
        deadlines.set(step.key, step.at);
        model.set(step.key, step.at);
      } else if (step.kind === "delete") {
        deadlines.delete(step.key);
        model.delete(step.key);
      } else {
        const earliest = Math.min(...model.values());
        const key = deadlines.popDue(step.at);
        if (key === undefined) assert.ok(earliest > step.at);
        else {
          assert.equal(model.get(key), earliest);
          assert.ok(earliest <= step.at);
          model.delete(key);
        }
      }
      assert.equal(deadlines.size, model.size);
      assert.equal(deadlines.next(), model.size ? Math.min(...model.values()) : undefined);
    }
  }));
});

Deno.test("a million keys deleted before they are due leave the next one findable at once", () => {
  const deadlines = new Deadlines();
  for (let key = 0; key < 1_000_000; key++) {
    deadlines.set(key, 1_000_000 - key);
    deadlines.delete(key);
  }
  deadlines.set(7, 5_000_000);
  assert.equal(deadlines.next(), 5_000_000);
  assert.equal(deadlines.size, 1);
});
