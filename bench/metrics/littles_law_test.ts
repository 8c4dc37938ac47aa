import assert from "node:assert/strict";
import fc from "fast-check";
import { sampleOf } from "../record/sample_support.ts";
import { littlesLaw } from "./littles_law.ts";
import { closedLoop, mm1, randomOf } from "./queue_support.ts";
import { measuredRequests, turnsOf } from "./requests.ts";

const lawOf = (samples: Parameters<typeof measuredRequests>[0]) =>
  littlesLaw(turnsOf(measuredRequests(samples)));

Deno.test("number in system and rate x time come from the window of the sends", () => {
  const law = lawOf([
    sampleOf({ intendedAt: 0, endedAt: 1000 }),
    sampleOf({ intendedAt: 1000, endedAt: 3000 }),
    sampleOf({ intendedAt: 2000, endedAt: 3000, outcome: "failed" }),
  ]);
  assert.equal(law.inSystem, 1, "one after the other until 2000");
  assert.equal(law.rateTimesTime, 2, "3 arrivals in 2 s that took 4 s");
  assert.equal(law.residual, -0.5);
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
  assert.ok(Math.abs(law.residual + 1 / 200) < 1e-9, "what the last batch took is beyond the window");
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
