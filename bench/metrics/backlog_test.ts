import assert from "node:assert/strict";
import { growthOf } from "./backlog.ts";
import { mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { measuredRequests, turnsOf } from "./requests.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";

const of = (samples: Parameters<typeof measuredRequests>[0]) => growthOf(turnsOf(measuredRequests(samples)));

Deno.test("the slope is the overload: 1.25 times what is served adds 250 ms a second", () => {
  const { slope, chance } = of(mm1(randomOf(3), { requests: 20_000, load: 1.25 }))!;
  assert.ok(Math.abs(slope - 0.25) < 0.05, `${slope}`);
  assert.ok(chance < 1e-4);
});

Deno.test("a steady queue seldom looks as if it grew", () => {
  const random = randomOf(6);
  for (const load of [0.3, 0.7, 0.9]) {
    let grew = 0;
    for (let run = 0; run < 100; run++) {
      const { slope, chance } = of(mm1(random, { requests: 1000, load }))!;
      if (chance < 0.01 && slope > 0.02) grew++;
    }
    assert.ok(grew <= 5, `${grew} of 100 at load ${load}`);
  }
});

Deno.test("a service that takes all at once does not grow, however long it takes", () => {
  const samples = Array.from(
    { length: 500 },
    (_, index) => sampleOf({ index, intendedAt: index * 10, sentAt: index * 10, endedAt: index * 10 + 5000 }),
  );
  assert.deepEqual(of(samples), { slope: 0, chance: 1 });
});

Deno.test("failures are infinitely late: when all fail from some point on, that is a growth", () => {
  const samples = Array.from(
    { length: 500 },
    (_, index) =>
      sampleOf({
        index,
        intendedAt: index * 10,
        endedAt: index * 10 + 100,
        outcome: index < 300 ? "ok" : "failed",
      }),
  );
  const { slope, chance } = of(samples)!;
  assert.ok(slope === Infinity && chance < 0.01, `${slope} ${chance}`);
});

Deno.test("too few requests, or all at one instant, say nothing", () => {
  assert.equal(of(mm1(randomOf(1), { requests: 50, load: 2 })), null);
  assert.equal(of([]), null);
});
