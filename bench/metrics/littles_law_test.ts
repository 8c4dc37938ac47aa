import assert from "node:assert/strict";
import fc from "fast-check";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { littlesLaw } from "./littles_law.ts";
import { closedLoop, mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { measuredRequests, turnsOf } from "./requests.ts";

const lawOf = (samples: Parameters<typeof measuredRequests>[0]) =>
  littlesLaw(turnsOf(measuredRequests(samples)));

Deno.test("number in system and rate x time come from the window between filling and the last send", () => {
  const took = (intendedAt: number, endedAt: number, told = {}) => sampleOf({ intendedAt, endedAt, ...told });
  const law = lawOf([
    took(0, 1000),
    took(900, 1900), // the window begins at 1000, and has 900 ms of it
    took(1500, 2500),
    took(3000, 5000, { outcome: "failed" }), // at the window's end
    took(2000, 3000),
  ]);
  assert.equal(law.inSystem, (900 + 1000 + 1000) / 2000);
  assert.equal(law.rateTimesTime, (1000 + 1000 + 2000) / 2000);
  assert.equal(law.residual, 2900 / 4000 - 1);
});

Deno.test("a turn too short for a window says nothing", () => {
  const law = lawOf([0, 10, 20, 29].map((intendedAt) => sampleOf({ intendedAt, endedAt: intendedAt + 10 })));
  assert.ok(Number.isNaN(law.residual));
});

Deno.test("the law holds on a steady queue at any load", () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0.1, max: 0.8, noNaN: true }), (seed, load) => {
      const { residual, inSystem } = lawOf(mm1(randomOf(seed), { requests: 5000, load }));
      assert.ok(Math.abs(residual) < 0.05, `${residual}`);
      assert.ok(inSystem > 0);
    }),
    { numRuns: 20, seed: 1 },
  );
});

Deno.test("of a closed loop it is the number of clients = throughput x response time", () => {
  const law = lawOf(closedLoop(() => 100, { clients: 8, batches: 200 }));
  assert.ok(Math.abs(law.inSystem - 8) < 1e-9);
  assert.ok(Math.abs(law.residual) < 1e-9);
});

Deno.test("a backlog that is left at the last send shows", () => {
  assert.ok(lawOf(mm1(randomOf(1), { requests: 2000, load: 1.5 })).residual < -0.25);
});

Deno.test("longer turns weigh more, and a turn at one instant says nothing", () => {
  const random = randomOf(5);
  const long = mm1(random, { requests: 4000, load: 0.5 });
  const short = mm1(random, { requests: 10, load: 0.5, round: 1 });
  assert.ok(Math.abs(lawOf([...long, ...short]).inSystem / lawOf(long).inSystem - 1) < 0.02);
  const instant = sampleOf({ round: 2, intendedAt: 2e9, endedAt: 3e9 });
  assert.deepEqual(lawOf([...long, instant]), lawOf(long));
  assert.ok(Number.isNaN(lawOf([instant]).residual));
  assert.ok(Number.isNaN(lawOf([]).residual));
});
