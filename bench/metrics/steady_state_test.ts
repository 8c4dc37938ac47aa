import assert from "node:assert/strict";
import fc from "fast-check";
import { closedLoop, mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { measuredRequests, type Turn, turnsOf } from "./requests.ts";
import { growthOf, littlesLaw, thirdsOf } from "./steady_state.ts";

const onTurns =
  <Found>(find: (turns: readonly Turn[]) => Found) => (samples: Parameters<typeof measuredRequests>[0]) =>
    find(turnsOf(measuredRequests(samples)));
const lawOf = onTurns(littlesLaw);
const growthIn = onTurns(growthOf);
const thirdsIn = onTurns(thirdsOf);

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

Deno.test("the slope is the overload: 1.25 times what is served adds 250 ms a second", () => {
  const { slope, chance } = growthIn(mm1(randomOf(3), { requests: 20_000, load: 1.25 }))!;
  assert.ok(Math.abs(slope - 0.25) < 0.05, `${slope}`);
  assert.ok(chance < 1e-4);
});

Deno.test("a steady queue seldom looks as if it grew", () => {
  const random = randomOf(6);
  for (const load of [0.3, 0.7, 0.9]) {
    let grew = 0;
    for (let run = 0; run < 100; run++) {
      const { slope, chance } = growthIn(mm1(random, { requests: 1000, load }))!;
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
  assert.deepEqual(growthIn(samples), { slope: 0, chance: 1 });
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
  const { slope, chance } = growthIn(samples)!;
  assert.ok(slope === Infinity && chance < 0.01, `${slope} ${chance}`);
});

Deno.test("too few requests, or all at one instant, say nothing", () => {
  assert.equal(growthIn(mm1(randomOf(1), { requests: 50, load: 2 })), null);
  assert.equal(growthIn([]), null);
});

Deno.test("a steady closed loop seldom looks uneven, whatever its batches", () => {
  const random = randomOf(4);
  let uneven = 0;
  for (let run = 0; run < 100; run++) {
    const samples = closedLoop(() => 50 * (1 + random()), { clients: 16, batches: 60 });
    if (thirdsIn(samples)!.chance < 0.01) uneven++;
  }
  assert.ok(uneven <= 4, `${uneven} of 100`);
});

Deno.test("a loop that slows down is told with the rates of its thirds", () => {
  const random = randomOf(4);
  const samples = closedLoop((atMs) => 50 * (1 + 0.2 * random()) * (1 + atMs / 5000), {
    clients: 4,
    batches: 100,
  });
  const { rates: [first, second, last], chance } = thirdsIn(samples)!;
  assert.ok(chance < 0.01 && first > second && second > last, `${first} ${second} ${last} ${chance}`);
});

Deno.test("rounds that all slow down a little say together what one can't", () => {
  const random = randomOf(4);
  const samples = [0, 1, 2, 3, 4].flatMap((round) =>
    closedLoop((atMs) => 50 * (1 + random()) * (1 + atMs / 30_000), { clients: 4, batches: 100, round })
  );
  assert.ok(thirdsIn(samples)!.chance < thirdsIn(samples.filter(({ round }) => round === 0))!.chance);
});

Deno.test("too few ends say nothing", () => {
  assert.equal(thirdsIn(closedLoop(() => 50, { clients: 1, batches: 20 })), null);
  assert.equal(thirdsIn(closedLoop(() => 50, { clients: 200, batches: 1 })), null);
  assert.equal(thirdsIn([]), null);
});
