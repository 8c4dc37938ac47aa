import assert from "node:assert/strict";
import fc from "fast-check";
import { randomStream, uniformAboveZero } from "../workload/random.ts";
import { borderOf, nextStep, type Saturation, type SaturationLimits, type Trial } from "./saturation.ts";

Deno.test("the planted capacity is found within 8 % in 99 of 100 searches, however wrong the first guess is", () => {
  const searches = 400;
  let near = 0;
  let confirmed = 0;
  let trialsInAll = 0;
  for (let seed = 0; seed < searches; seed++) {
    const capacity = 0.5 * 1.03 ** seed;
    const guess = 0.1 + 2 * ((seed * 7) % 10) / 10;
    const { answer, trials } = search(engineOf(capacity, seed), { startRate: capacity * guess });
    if (Math.abs((answer.kept ?? 0) / capacity - 1) < 0.08) near++;
    if (answer.confirmed) confirmed++;
    assert.ok(trials.length <= 12);
    trialsInAll += trials.length;
  }
  assert.ok(near >= 0.99 * searches, `${near} of ${searches}`);
  assert.ok(confirmed > 0.9 * searches, `${confirmed} of ${searches} were confirmed`);
  assert.ok(trialsInAll / searches < 9, `${trialsInAll / searches} trials on average`);
});

Deno.test("no trial goes far beyond what was kept before, so the load on the engine is bounded", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      capacities(),
      fc.double({ min: 0.05, max: 1, noNaN: true }),
      (seed, at, guess) => {
        const { trials } = search(engineOf(at, seed), { startRate: at * guess });
        assert.ok(trials.every(({ rate }) => rate <= at * 1.6 ** 2 * 1.1));
        const requests = trials.reduce((sum, { rate }) => sum + rate * 15, 0);
        assert.ok(requests < 12 * 15 * at * 1.4, `${requests} requests`);
      },
    ),
  );
});

Deno.test("a border that latency alone draws is found without knowing how fast an overloaded engine answers", () => {
  fc.assert(
    fc.property(fc.integer(), capacities(), (seed, at) => {
      const engine = engineOf(at, seed);
      const slow = (rate: number): Trial => ({ ...engine(rate), overloadedRate: null });
      const { answer } = search(slow, { startRate: at * 1.5 });
      const kept = answer.kept ?? 0;
      assert.ok(kept > at * 0.75 && kept < at * 1.1, `${kept} of ${at}`);
    }),
  );
});

Deno.test("a trial that was too short is repeated at its rate, and is neither counted nor believed", () => {
  const short: Trial = { rate: 80, outcome: "too_short", overloadedRate: null };
  const kept: Trial = { ...short, outcome: "kept" };
  assert.deepEqual(nextStep([short], { startRate: 50 }), { kind: "trial", rate: 80, purpose: "longer" });
  assert.deepEqual(borderOf([short]), { kept: null, notKept: null });
  const limits = { startRate: 80, mostTrials: 2 };
  assert.equal(nextStep([short, kept], limits).kind, "trial");
  assert.equal(nextStep([short, kept, kept], limits).kind, "done");
});

Deno.test("an engine that keeps nothing is given up soon, and one that keeps all at the highest rate", () => {
  const none = search((rate) => ({ rate, outcome: "not_kept", overloadedRate: null }), { startRate: 50 });
  assert.deepEqual([none.answer.kept, none.answer.limit], [null, "engine"]);
  assert.ok(none.trials.length <= 8 && none.trials.at(-1)!.rate < 5);
  const all = search((rate) => ({ rate, outcome: "kept", overloadedRate: null }), {
    startRate: 50,
    highestRate: 300,
  });
  assert.deepEqual(all.answer, { kept: 300, notKept: null, confirmed: false, limit: "highest_rate" });
});

Deno.test("a load generator that is late twice ends the search, and is not taken for a slow engine", () => {
  const { answer, trials } = search(
    (rate) => ({ rate, outcome: rate > 100 ? "generator" : "kept", overloadedRate: null }),
    { startRate: 80 },
  );
  assert.deepEqual(answer, { kept: 80, notKept: null, confirmed: false, limit: "generator" });
  assert.deepEqual(trials.map(({ rate }) => rate), [80, 128, 128]);
});

Deno.test("a generator that was late once is asked again at the same rate", () => {
  let late = 1;
  const engine = engineOf(100, 1);
  const { answer } = search(
    (rate) => rate > 100 && late-- > 0 ? { rate, outcome: "generator", overloadedRate: null } : engine(rate),
    { startRate: 80 },
  );
  assert.equal(answer.limit, "engine");
  assert.ok(answer.kept! > 92 && answer.notKept! < 108);
});

Deno.test("the border is the one that the fewest trials contradict", () => {
  const trials = (...rates: number[]) =>
    rates.map((rate): Trial => ({
      rate: Math.abs(rate),
      outcome: rate > 0 ? "kept" : "not_kept",
      overloadedRate: null,
    }));
  assert.deepEqual(borderOf(trials(80, 100, -90, 104, -110, -120)), { kept: 104, notKept: 110 });
  assert.deepEqual(borderOf(trials(80, -100, 100)), { kept: 80, notKept: 100 });
  assert.deepEqual(borderOf(trials(80, -100, 100, 100)), { kept: 100, notKept: null });
  assert.deepEqual(borderOf([]), { kept: null, notKept: null });
});

Deno.test("a border that does not hold at further trials moves, and the search goes on", () => {
  const outcomes = ["kept", "not_kept", "kept", "not_kept", "kept", "kept", "kept", "not_kept"] as const;
  let at = 0;
  const { trials } = search(
    (rate) => ({ rate, outcome: outcomes[at++] ?? "not_kept", overloadedRate: null }),
    { startRate: 100, tolerance: 0.1 },
  );
  assert.deepEqual(trials.slice(0, 8).map(({ rate }) => rate), [100, 160, 126, 142, 134, 142, 142, 151]);
});

function capacities() {
  return fc.double({ min: Math.log(0.5), max: Math.log(20_000), noNaN: true }).map(Math.exp);
}

/** Its trials are blurred by 2 %, and what it answers when overloaded by 4 %. */
function engineOf(capacity: number, seed: number): (rate: number) => Trial {
  const random = randomStream(seed, "a simulated engine");
  const normal = () =>
    Math.sqrt(-2 * Math.log(uniformAboveZero(random))) * Math.cos(2 * Math.PI * uniformAboveZero(random));
  return (rate) => {
    const kept = rate < capacity * (1 + 0.02 * normal());
    const overloadedRate = kept ? null : Math.min(rate, capacity * (1 + 0.04 * normal()));
    return { rate, outcome: kept ? "kept" : "not_kept", overloadedRate };
  };
}

function search(
  engine: (rate: number) => Trial,
  limits: SaturationLimits,
): { answer: Saturation; trials: readonly Trial[] } {
  const trials: Trial[] = [];
  for (;;) {
    const step = nextStep(trials, limits);
    if (step.kind === "done") return { answer: step.answer, trials };
    assert.ok(trials.length < 50, "the search ends");
    trials.push(engine(step.rate));
  }
}
