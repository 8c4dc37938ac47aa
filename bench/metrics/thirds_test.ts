import assert from "node:assert/strict";
import { closedLoop, randomOf } from "../../tests/support/bench/queue.ts";
import { measuredRequests, turnsOf } from "./requests.ts";
import { chiSquareTail, kruskalWallis, thirdsOf } from "./thirds.ts";

const of = (samples: Parameters<typeof measuredRequests>[0]) => thirdsOf(turnsOf(measuredRequests(samples)));

Deno.test("Kruskal and Wallis's statistic and its tail are those of the tables", () => {
  assert.ok(Math.abs(kruskalWallis([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) - 7.2) < 1e-9);
  assert.ok(Math.abs(kruskalWallis([[1, 1], [1, 2]]) - 1) < 1e-9, "corrected for ties");
  assert.equal(kruskalWallis([[5, 5], [5, 5], [5, 5]]), 0);
  assert.ok(Math.abs(chiSquareTail(9.21034, 1) - 0.01) < 1e-6, "2 degrees of freedom");
  assert.ok(Math.abs(chiSquareTail(13.2767, 2) - 0.01) < 1e-6, "4 degrees of freedom");
});

Deno.test("a steady closed loop seldom looks uneven, whatever its batches", () => {
  const random = randomOf(4);
  let uneven = 0;
  for (let run = 0; run < 100; run++) {
    const samples = closedLoop(() => 50 * (1 + random()), { clients: 16, batches: 60 });
    if (of(samples)!.chance < 0.01) uneven++;
  }
  assert.ok(uneven <= 4, `${uneven} of 100`);
});

Deno.test("a loop that slows down is told with the rates of its thirds", () => {
  const random = randomOf(4);
  const samples = closedLoop((atMs) => 50 * (1 + 0.2 * random()) * (1 + atMs / 5000), {
    clients: 4,
    batches: 100,
  });
  const { rates: [first, second, last], chance } = of(samples)!;
  assert.ok(chance < 0.01 && first > second && second > last, `${first} ${second} ${last} ${chance}`);
});

Deno.test("rounds that all slow down a little say together what one can't", () => {
  const random = randomOf(4);
  const samples = [0, 1, 2, 3, 4].flatMap((round) =>
    closedLoop((atMs) => 50 * (1 + random()) * (1 + atMs / 30_000), { clients: 4, batches: 100, round })
  );
  assert.ok(of(samples)!.chance < of(samples.filter(({ round }) => round === 0))!.chance);
});

Deno.test("too few ends say nothing", () => {
  assert.equal(of(closedLoop(() => 50, { clients: 1, batches: 20 })), null);
  assert.equal(of(closedLoop(() => 50, { clients: 200, batches: 1 })), null);
  assert.equal(of([]), null);
});
