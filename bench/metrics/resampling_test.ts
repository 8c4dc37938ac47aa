import assert from "node:assert/strict";
import { mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Sample } from "../record/sample.ts";
import { type FigureName, statisticOf } from "./figure_names.ts";
import {
  blocksInAll,
  blocksPerRound,
  drawWeights,
  intervalOf,
  jointReplicates,
  probabilityOfBest,
  ratioInterval,
  replicates,
} from "./resampling.ts";

/** Rounds of requests one after the other, each of `e2eMs`, sent every 10 ms. */
function rounds(count: number, requests: number, e2eMs = 10) {
  return Array.from({ length: count }, (_, round) =>
    Array.from({ length: requests }, (_, index) => {
      const intendedAt = round * 1e6 + index * 10;
      return sampleOf({ round, index, intendedAt, endedAt: intendedAt + e2eMs });
    })).flat();
}

Deno.test("about 12 blocks in all; from 9 rounds on each round is one", () => {
  assert.deepEqual([1, 2, 3, 5, 9, 20].map((count) => blocksPerRound(rounds(count, 100))), [
    12,
    6,
    4,
    2,
    1,
    1,
  ]);
});

Deno.test("a block has as many requests as the system at least, while there are 5 blocks", () => {
  assert.equal(blocksPerRound(rounds(1, 1000, 1000)), 10, "91 in the system");
  assert.equal(blocksPerRound(rounds(1, 1000, 9000)), 5, "474 in the system");
  assert.equal(blocksPerRound(rounds(1, 3)), 3);
});

Deno.test("a resampling has blocks of neighbours, within rounds, of the size of the whole", () => {
  const requests = rounds(2, 60);
  for (const weights of drawWeights(requests, 6, { count: 50, seed: 3 })) {
    assert.equal(weights.reduce((sum, weight) => sum + weight, 0), 120);
    const changes = [...weights.keys()].filter((at) => weights[at] !== weights[at - 1] && at % 60 !== 0);
    assert.ok(changes.length <= 24, `12 blocks begin and end ${changes.length} times`);
  }
});

Deno.test("the seed draws the blocks, and cells with as many rounds share the rounds drawn", () => {
  const draw = (requests: number, seed: number) =>
    [...drawWeights(rounds(3, requests), 4, { count: 20, seed })].map((weights) => Array.from(weights));
  const perRound = (requests: number, seed: number) =>
    [...drawWeights(rounds(3, requests), 4, { count: 20, seed })].map((weights) =>
      [0, 1, 2].map((round) =>
        weights.slice(round * requests, (round + 1) * requests).reduce((a, b) => a + b, 0) / (requests / 4)
      )
    );
  assert.deepEqual(draw(40, 1), draw(40, 1));
  assert.notDeepEqual(draw(40, 1), draw(40, 2));
  assert.deepEqual(perRound(40, 1), perRound(80, 1));
});

/** A normal number by Box and Muller. */
const normal = (random: () => number) =>
  Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());

/** Latencies of mean 100 and standard deviation 10 whose neighbours correlate. */
function correlated(random: () => number, requests: number, correlation: number, round = 0): Sample[] {
  let deviation = normal(random);
  return Array.from({ length: requests }, (_, index) => {
    deviation = correlation * deviation + Math.sqrt(1 - correlation ** 2) * normal(random);
    const intendedAt = round * 1e9 + index * 1000;
    return sampleOf({
      round,
      index,
      intendedAt,
      sentAt: intendedAt,
      endedAt: intendedAt + 100 + 10 * deviation,
    });
  });
}

/** How many of `runs` intervals of a figure hold its true value. */
function coverage(
  name: FigureName,
  truth: number,
  run: (random: () => number) => Sample[],
): number {
  const runs = 200;
  const random = randomOf(7);
  let held = 0;
  for (let done = 0; done < runs; done++) {
    const samples = run(random);
    const perRound = blocksPerRound(samples);
    const replicated = replicates(samples, statisticOf(name, {}), { count: 300, seed: done });
    const { low, high } = intervalOf(replicated, blocksInAll(samples, perRound));
    if (low <= truth && truth <= high) held++;
  }
  return held / runs;
}

function assertNear95(share: number): void {
  assert.ok(share >= 0.85 && share <= 0.99, `${(100 * share).toFixed(1)} % of the 95 % intervals hold`);
}

const NORMAL_P95 = 1.6448536;

Deno.test("intervals of independent latencies hold the truth about as often as they say", () => {
  const run = (random: () => number) => correlated(random, 200, 0);
  assertNear95(coverage("e2e_mean", 100, run));
  assertNear95(coverage("e2e_p95", 100 + 10 * NORMAL_P95, run));
});

Deno.test("so do those of latencies whose neighbours correlate by 0.9, an AR(1) process", () => {
  const run = (random: () => number) => correlated(random, 1000, 0.9);
  assertNear95(coverage("e2e_mean", 100, run));
  assertNear95(coverage("e2e_p95", 100 + 10 * NORMAL_P95, run));
});

Deno.test("so do those of several rounds", () => {
  const run = (random: () => number) => [0, 1, 2, 3].flatMap((round) => correlated(random, 250, 0.8, round));
  assertNear95(coverage("e2e_mean", 100, run));
  assertNear95(coverage("e2e_p95", 100 + 10 * NORMAL_P95, run));
});

Deno.test("so do those of an M/M/1 queue at load 0.7, whose time in the system is exponential", () => {
  const run = (random: () => number) => mm1(random, { requests: 2000, load: 0.7 });
  assertNear95(coverage("e2e_mean", 10 / 0.3, run));
  assertNear95(coverage("e2e_p95", -Math.log(0.05) * 10 / 0.3, run));
  assertNear95(coverage("req_s", 70, run));
});

Deno.test("requests drawn one by one would give intervals of correlated latencies that hold far too seldom", () => {
  const random = randomOf(7);
  let held = 0;
  for (let run = 0; run < 100; run++) {
    const values = correlated(random, 1000, 0.9).map(({ intendedAt, endedAt }) => endedAt - intendedAt);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    if (Math.abs(mean - 100) < 1.96 * Math.sqrt(variance / values.length)) held++;
  }
  assert.ok(held < 60, `${held} of 100`);
});

Deno.test("the same samples give the same replicates, in whatever order they were recorded", () => {
  const samples = mm1(randomOf(1), { requests: 100, load: 0.5 });
  const statistic = statisticOf("e2e_p90", {});
  assert.deepEqual(replicates(samples, statistic), replicates(samples.toReversed(), statistic));
  assert.notDeepEqual(replicates(samples, statistic), replicates(samples, statistic, { seed: 2 }));
});

Deno.test("fewer than 5 blocks give no interval, and a replicate without a figure counts against both ends", () => {
  assert.deepEqual(intervalOf(Float64Array.of(1, 2, 3), 4), { low: NaN, high: NaN });
  const replicated = Float64Array.from({ length: 1000 }, (_, at) => at);
  const { low, high } = intervalOf(replicated, 12);
  assert.ok(low > 5 && low < 25 && high > 974 && high < 994, `${low} ${high}`);
  assert.deepEqual(intervalOf(replicated.fill(NaN, 0, 50), 12), { low: NaN, high: NaN });
});

/** Two variants in turn; a round of trouble hits both. */
function inTurn(random: () => number, slower: number): [Sample[], Sample[]] {
  const cells: [Sample[], Sample[]] = [[], []];
  for (let round = 0; round < 6; round++) {
    const trouble = 1 + random();
    [1, slower].forEach((factor, cell) => {
      for (let index = 0; index < 50; index++) {
        const intendedAt = round * 1e6 + cell * 1e5 + index * 1000;
        const endedAt = intendedAt + 100 * factor * trouble * (1 + 0.1 * random());
        cells[cell]!.push(sampleOf({ round, index, intendedAt, sentAt: intendedAt, endedAt }));
      }
    });
  }
  return cells;
}

Deno.test("what a round did to both cells falls out of the ratio of cells that were measured in turn", () => {
  const statistic = statisticOf("e2e_mean", {});
  const [base, next] = inTurn(randomOf(2), 1.1);
  const later = next.map((sample) => ({
    ...sample,
    intendedAt: sample.intendedAt + 1e9,
    sentAt: sample.sentAt + 1e9,
    endedAt: sample.endedAt + 1e9,
  }));
  const paired = ratioInterval(base, next, statistic);
  const apart = ratioInterval(base, later, statistic);
  assert.deepEqual([paired.paired, apart.paired], [true, false]);
  assert.ok(Math.abs(paired.value - apart.value) < 1e-9);
  assert.ok(paired.low < 1.1 && 1.1 < paired.high && paired.low > 1.05, `${paired.low} ${paired.high}`);
  assert.ok(apart.high - apart.low > 3 * (paired.high - paired.low), `${apart.low} ${apart.high}`);
  assert.equal(jointReplicates([base, next], statistic).replicated.length, 2);
});

Deno.test("a cell against itself has the ratio 1 in every replicate", () => {
  const [base] = inTurn(randomOf(2), 1);
  assert.deepEqual(ratioInterval(base, base, statisticOf("e2e_p95", {})), {
    value: 1,
    low: 1,
    high: 1,
    paired: true,
  });
});

Deno.test("the better of two is the best with near certainty, equals share, and failures lose", () => {
  const statistic = statisticOf("e2e_mean", {});
  const [base, next] = inTurn(randomOf(2), 1.1);
  assert.deepEqual(probabilityOfBest([base, next], statistic, false), [1, 0]);
  assert.deepEqual(probabilityOfBest([base, next], statistic, true), [0, 1]);
  for (const share of probabilityOfBest([base, base], statistic, false)) {
    assert.ok(Math.abs(share - 0.5) < 1e-9);
  }
  const failed = base.map((sample) => ({ ...sample, outcome: "failed" as const }));
  assert.deepEqual(probabilityOfBest([failed, next], statistic, false), [0, 1]);
  assert.deepEqual(probabilityOfBest([[], next], statistic, false), [0, 1]);
});
