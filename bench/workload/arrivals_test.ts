import assert from "node:assert/strict";
import fc from "fast-check";
import type { Arrivals } from "../plan.ts";
import { arrivalTimes, meanRate, named, SPACING } from "./arrivals.ts";
import { gamma, randomStream } from "./random.ts";

const MANY = 20_000;
const POISSON: Arrivals = { kind: "poisson", rate: 50 };
const EXCERPT: Arrivals = { kind: "trace", file: "azure_conv_2023_excerpt", speed: 2 };

Deno.test("arrivals are read from their short texts", () => {
  assert.deepEqual(SPACING.parse("poisson")?.(4), { kind: "poisson", rate: 4 });
  assert.deepEqual(SPACING.parse("constant")?.(4), { kind: "constant", rate: 4 });
  assert.deepEqual(SPACING.parse("gamma:2.5")?.(4), { kind: "gamma", rate: 4, cv: 2.5 });
  assert.deepEqual(SPACING.parse("bursts:16")?.(4), { kind: "bursts", rate: 4, size: 16 });
});

for (const text of ["gamma", "poisson:2", "gamma:0", "gamma:101", "bursts:1.5", "bursts:0", "often"]) {
  Deno.test(`refused: arrivals of ${text}`, () => assert.equal(SPACING.parse(text), undefined));
}

const NAMES: readonly (readonly [Arrivals, string])[] = [
  [{ kind: "constant", rate: 0.5 }, "0.5/s constant"],
  [{ kind: "poisson", rate: 4 }, "4/s poisson"],
  [{ kind: "gamma", rate: 4, cv: 2 }, "4/s gamma cv 2"],
  [{ kind: "bursts", rate: 4, size: 16 }, "4/s bursts of 16"],
  [{ kind: "ramp", from: 1, to: 20 }, "ramp 1-20/s"],
  [{ kind: "steps", rates: [1, 5, 20] }, "steps 1, 5, 20/s"],
  [{ kind: "trace", file: "some/azure_conv.csv", speed: 10 }, "trace azure_conv x10"],
  [
    { kind: "trace", file: "azure_conv", speed: 0.5, maxPromptTokens: 512, maxOutputTokens: 64 },
    "trace azure_conv x0.5 prompt<=512 output<=64",
  ],
];

for (const [arrivals, name] of NAMES) {
  Deno.test(`the load of ${JSON.stringify(arrivals)} is called ${name}`, () => {
    assert.equal(named({ kind: "open", arrivals }).name, name);
  });
}

Deno.test("a closed loop is called by its clients", () => {
  assert.equal(named({ kind: "closed", concurrency: 1 }).name, "1 client");
  assert.equal(named({ kind: "closed", concurrency: 8 }).name, "8 clients");
});

Deno.test("constant arrivals are one gap apart, from 0 on", () => {
  assert.deepEqual(arrivalTimes({ kind: "constant", rate: 4 }, { requests: 4, durationMs: Infinity }, 1), [
    0,
    250,
    500,
    750,
  ]);
  assert.equal(
    arrivalTimes({ kind: "constant", rate: 10 }, { requests: Infinity, durationMs: 1000 }, 1).length,
    10,
  );
});

Deno.test("Poisson gaps are exponential, and no gap tells of the next", () => {
  const gaps = gapsOf(times(POISSON));
  const { mean, cv } = momentsOf(gaps);
  near(mean, 20, 0.4);
  near(cv, 1, 0.03);
  assert.ok(distanceTo(gaps, (ms) => 1 - Math.exp(-ms / 20)) < 1.63 / Math.sqrt(gaps.length));
  const lagged = gaps.slice(1).reduce((sum, gap, at) => sum + (gap - mean) * ((gaps[at] ?? 0) - mean), 0);
  near(lagged / gaps.length / (cv * mean) ** 2, 0, 0.03);
});

Deno.test("a Poisson process has as much variance as mean in every length of time", () => {
  const counts = countsOf(times(POISSON), 200, 1900);
  const { mean, cv } = momentsOf(counts);
  near((cv * mean) ** 2 / mean, 1, 0.12);
});

for (const cv of [0.3, 0.5, 1, 2, 4]) {
  Deno.test(`gamma gaps have the mean of the rate and cv ${cv}`, () => {
    const moments = momentsOf(gapsOf(times({ kind: "gamma", rate: 50, cv })));
    near(moments.mean, 20, 20 * 0.03 * Math.max(1, cv));
    near(moments.cv, cv, 0.06 * cv);
  });
}

for (const cv of [0.3, 2, 4]) {
  Deno.test(`a short turn of gamma arrivals of cv ${cv} has as many as its rate says, from its start on`, () => {
    const limits = { requests: Infinity, durationMs: 1000 };
    const turns = Array.from(
      { length: 4000 },
      (_, seed) => arrivalTimes({ kind: "gamma", rate: 20, cv }, limits, seed),
    );
    const mean = (of: (turn: readonly number[]) => number) =>
      turns.reduce((sum, turn) => sum + of(turn), 0) / 4000;
    near(mean(({ length }) => length), 20, 0.35 * cv);
    near(mean((turn) => turn.filter((atMs) => atMs < 100).length), 2, 0.1 * Math.max(1, cv));
  });
}

Deno.test("gamma gaps of cv 1 are the exponential ones", () => {
  const gaps = gapsOf(times({ kind: "gamma", rate: 50, cv: 1 }));
  assert.ok(distanceTo(gaps, (ms) => 1 - Math.exp(-ms / 20)) < 1.63 / Math.sqrt(gaps.length));
});

Deno.test("gamma variates of shape 2 have the distribution function of Erlang", () => {
  const random = randomStream(5, "test");
  const variates = Array.from({ length: MANY }, () => gamma(2, random));
  assert.ok(distanceTo(variates, (x) => 1 - Math.exp(-x) * (1 + x)) < 1.63 / Math.sqrt(MANY));
});

Deno.test("gamma variates of shape a half are half of squared normal ones", () => {
  const random = randomStream(6, "test");
  const variates = Array.from({ length: MANY }, () => gamma(0.5, random));
  const { mean, cv } = momentsOf(variates);
  near(mean, 0.5, 0.02);
  near(cv, Math.SQRT2, 0.06);
  near(variates.filter((x) => x < 0.2275).length / MANY, 0.5, 0.015);
});

Deno.test("bursts come whole at Poisson instants, and the rate counts requests", () => {
  const all = times({ kind: "bursts", rate: 40, size: 8 });
  const instants = [...Map.groupBy(all, (atMs) => atMs)];
  assert.deepEqual(new Set(instants.map(([, members]) => members.length)), new Set([8]));
  near(1000 * all.length / (all.at(-1) ?? 0), 40, 1.5);
  const gaps = gapsOf(instants.map(([atMs]) => atMs));
  assert.ok(distanceTo(gaps, (ms) => 1 - Math.exp(-ms / 200)) < 1.63 / Math.sqrt(gaps.length));
});

Deno.test("a ramp's rate goes evenly from one to the other over the run", () => {
  const all = arrivalTimes(
    { kind: "ramp", from: 10, to: 190 },
    { requests: Infinity, durationMs: 200_000 },
    1,
  );
  near(all.length, 20_000, 450);
  countsOf(all, 20_000, 10).forEach((count, part) => near(count / 20, 10 + 180 * (part + 0.5) / 10, 7));
});

Deno.test("a ramp may go down, also to nothing", () => {
  const all = arrivalTimes(
    { kind: "ramp", from: 100, to: 0 },
    { requests: Infinity, durationMs: 100_000 },
    1,
  );
  near(all.length, 5000, 220);
  countsOf(all, 25_000, 4).forEach((count, part) => near(count / 25, 100 - 100 * (part + 0.5) / 4, 5));
  assert.ok((all.at(-1) ?? 0) < 100_000);
  assert.ok(
    arrivalTimes({ kind: "ramp", from: 10, to: 0 }, { requests: 1000, durationMs: Infinity }, 1).length <=
      1000,
  );
});

Deno.test("a ramp from a rate to the same one is Poisson", () => {
  const flat = arrivalTimes({ kind: "ramp", from: 50, to: 50 }, { requests: 500, durationMs: Infinity }, 3);
  const plain = arrivalTimes(POISSON, { requests: 500, durationMs: Infinity }, 3);
  flat.forEach((atMs, index) => near(atMs, plain[index] ?? NaN, 1e-6));
});

Deno.test("steps give each rate an equal share of the run, also a rate of 0", () => {
  const all = arrivalTimes({ kind: "steps", rates: [20, 0, 100, 50] }, {
    requests: Infinity,
    durationMs: 400_000,
  }, 1);
  const counts = countsOf(all, 100_000, 4).map((count) => count / 100);
  near(counts[0] ?? NaN, 20, 1.5);
  assert.equal(counts[1], 0);
  near(counts[2] ?? NaN, 100, 3);
  near(counts[3] ?? NaN, 50, 2.5);
});

Deno.test("with a limit of requests alone a ramp spans the time in which so many come", () => {
  const all = arrivalTimes({ kind: "ramp", from: 10, to: 90 }, { requests: 5000, durationMs: Infinity }, 1);
  assert.equal(all.length, 5000);
  near(all.at(-1) ?? NaN, 100_000, 2500);
  near(all.filter((atMs) => atMs < 50_000).length, 1500, 130);
});

Deno.test("a trace comes at its own instants, so many times as fast", () => {
  const all = arrivalTimes(EXCERPT, { requests: Infinity, durationMs: Infinity }, 1);
  assert.equal(all.length, 400);
  assert.equal(all[0], 0);
  near(all[1] ?? NaN, 4314.579 / 2, 0.001);
});

Deno.test("the mean rate is the one at which requests come in the long run", () => {
  assert.equal(meanRate({ kind: "ramp", from: 2, to: 6 }), 4);
  assert.equal(meanRate({ kind: "steps", rates: [1, 5, 9] }), 5);
  assert.equal(meanRate({ kind: "bursts", rate: 3, size: 9 }), 3);
  near(meanRate(EXCERPT), 2 * 3.7525, 0.001);
});

Deno.test("the same seed gives the same times, another seed others", () => {
  fc.assert(fc.property(someArrivals(), fc.nat(), (arrivals, seed) => {
    const limits = { requests: 50, durationMs: 60_000 };
    assert.deepEqual(arrivalTimes(arrivals, limits, seed), arrivalTimes(arrivals, limits, seed));
  }));
  assert.notDeepEqual(times(POISSON, 10, 1), times(POISSON, 10, 2));
});

Deno.test("times ascend and keep both limits, whatever the arrivals", () => {
  const durations = fc.integer({ min: 1, max: 20_000 });
  fc.assert(
    fc.property(someArrivals(), fc.nat(300), durations, fc.nat(), (arrivals, requests, durationMs, seed) => {
      const all = arrivalTimes(arrivals, { requests, durationMs }, seed);
      assert.ok(all.length <= requests);
      all.forEach((atMs, index) =>
        assert.ok(atMs >= (all[index - 1] ?? 0) && atMs < durationMs, `${atMs} at ${index}`)
      );
    }),
  );
});

Deno.test("arrivals without end are refused", () => {
  assert.throws(
    () => arrivalTimes(POISSON, { requests: Infinity, durationMs: Infinity }, 1),
    /neither for poisson/,
  );
});

function someArrivals(): fc.Arbitrary<Arrivals> {
  const rate = fc.double({ min: 0.1, max: 1000, noNaN: true });
  return fc.oneof(
    fc.record({ kind: fc.constantFrom("constant" as const, "poisson" as const), rate }),
    fc.record({
      kind: fc.constant("gamma" as const),
      rate,
      cv: fc.double({ min: 0.01, max: 100, noNaN: true }),
    }),
    fc.record({ kind: fc.constant("bursts" as const), rate, size: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ kind: fc.constant("ramp" as const), from: rate, to: rate }),
    fc.record({ kind: fc.constant("ramp" as const), from: rate, to: fc.constant(0) }),
    rate.map((one) => ({ kind: "steps" as const, rates: [0, one, 0, one / 2, 0] })),
  );
}

function times(arrivals: Arrivals, requests = MANY, seed = 1): number[] {
  return arrivalTimes(arrivals, { requests, durationMs: Infinity }, seed);
}

function gapsOf(all: readonly number[]): number[] {
  return all.map((atMs, index) => atMs - (all[index - 1] ?? 0));
}

function countsOf(all: readonly number[], widthMs: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, at) => all.filter((ms) => Math.floor(ms / widthMs) === at).length);
}

function momentsOf(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, cv: Math.sqrt(variance) / mean };
}

/** Kolmogorov and Smirnov's largest distance; 1 % of samples of the distribution go beyond 1.63 / sqrt(n). */
function distanceTo(values: readonly number[], distribution: (value: number) => number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.max(...sorted.map((value, index) => {
    const at = distribution(value);
    return Math.max(at - index / sorted.length, (index + 1) / sorted.length - at);
  }));
}

function near(actual: number, expected: number, within: number): void {
  assert.ok(Math.abs(actual - expected) <= within, `expected ${expected} ± ${within}, got ${actual}`);
}
