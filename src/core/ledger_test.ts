import assert from "node:assert/strict";
import fc from "fast-check";
import { ledgerOf, PHASES } from "./ledger.ts";
import { answer } from "../../tests/support/observed_requests.ts";

const instants = fc.record({
  steps: fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000)),
  status: fc.constantFrom("ok" as const, "worker_timeout" as const),
  endedAfter: fc.integer({ min: -2, max: 100 }),
});

Deno.test("the phases add up to the time from receive to end, and never less than 0", () => {
  fc.assert(fc.property(instants, ({ steps, status, endedAfter }) => {
    let at = 1000;
    const phases = {
      queuedAt: at += steps[0],
      placeAt: at += steps[1],
      dispatchedAt: at += steps[2],
      firstTokenAt: at += steps[3],
      lastTokenAt: at += steps[4],
    };
    const given = answer({ status, phases });
    const parts = ledgerOf(1000, given, at + endedAfter);
    const endedAt = Math.max(at + endedAfter, at); // as the doors have it
    assert.equal(PHASES.reduce((sum, phase) => sum + parts[phase], 0), endedAt - 1000);
    assert.ok(PHASES.every((phase) => parts[phase] >= 0));
  }));
});
