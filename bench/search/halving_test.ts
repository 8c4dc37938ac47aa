import assert from "node:assert/strict";
import fc from "fast-check";
import { randomStream, uniformAboveZero } from "../workload/random.ts";
import { answerOf, FINALISTS, halve, rank, stageOf, type Standing } from "./halving.ts";

Deno.test("the planted best of 20 reaches the final and wins it in 9 of 10 searches", () => {
  let finals = 0;
  let wins = 0;
  for (let seed = 0; seed < 300; seed++) {
    const goodputs = Array.from({ length: 20 }, (_, at) => at === seed % 20 ? 10 : 5 + 0.2 * at);
    const { finalists, best } = search(goodputs, seed, 0.12);
    if (finalists.includes(`c${seed % 20}`)) finals++;
    if (best === `c${seed % 20}`) wins++;
  }
  assert.ok(finals >= 285, `${finals} finals of 300`);
  assert.ok(wins >= 270, `${wins} wins of 300`);
});

Deno.test("each halving costs about as much as the first, and 24 candidates need less than a third of a full final for all", () => {
  const { cost } = search(Array.from({ length: 24 }, (_, at) => 10 - at / 10), 1, 0.5);
  assert.ok(cost <= 24 + 12 + 6 * 2 + 3 * 4, `${cost} first turns`);
  assert.ok(cost < 24 * 8 / 3);
});

Deno.test("whatever the standings are, someone goes on, nobody is lost, and the search ends", () => {
  fc.assert(fc.property(fc.array(anyStanding(), { minLength: 1, maxLength: 40 }), (drawn) => {
    const standings = drawn.map((one, at) => ({ ...one, name: `c${at}` }));
    const { on, dropped } = halve(1, standings);
    assert.ok(on.length >= Math.min(2, standings.length));
    assert.ok(on.length <= Math.max(FINALISTS, Math.ceil(standings.length / 2)) + 1);
    assert.deepEqual(
      [...on, ...dropped.map(({ name }) => name)].sort(),
      standings.map(({ name }) => name).sort(),
    );
    if (standings.some(({ holds }) => holds)) {
      assert.ok(on.some((name) => standings.find((one) => one.name === name)?.holds));
    }
  }));
});

Deno.test("one that is worse by more than the intervals goes at once, one that may be as good only by its rank", () => {
  const { on, dropped } = halve(1, [
    standing("a", 10, 1),
    standing("b", 9.5, 1),
    standing("c", 5, 1),
    standing("d", 9.4, 1),
    standing("e", 4, 1),
    standing("f", 9.3, 1),
  ]);
  assert.deepEqual(on, ["a", "b", "d"]);
  assert.deepEqual(dropped, [
    { name: "f", stage: 1, why: "rank" },
    { name: "c", stage: 1, why: "worse" },
    { name: "e", stage: 1, why: "worse" },
  ]);
});

Deno.test("without bounds nothing is worse for sure", () => {
  const unbounded = [10, 1, 1, 1].map((score, at) => standing(`c${at}`, score, NaN));
  assert.deepEqual(halve(1, unbounded).dropped, [{ name: "c3", stage: 1, why: "rank" }]);
});

Deno.test("who surely breaks a constraint ranks last however good its goodput, the nearest first", () => {
  const broken = (name: string, score: number, nearness: number) => ({
    ...standing(name, score, 1),
    holds: false,
    surelyBroken: true,
    nearness,
  });
  const ranked = rank([broken("a", 20, 0.5), standing("b", 5, 1), broken("c", 8, 0.9), standing("d", 6, 1)]);
  assert.deepEqual(ranked.map(({ name }) => name), ["d", "b", "c", "a"]);
});

Deno.test("stages double what a candidate has, and the final has rounds that can be paired", () => {
  const names = (count: number) => Array.from({ length: count }, (_, at) => `c${at}`);
  const sizes = [[1, 24], [2, 12], [3, 6], [4, 3]].map(([stage, count]) => {
    const { kind, rounds, turnLength } = stageOf(stage!, names(count!));
    return [kind, rounds, turnLength];
  });
  assert.deepEqual(sizes, [["search", 1, 1], ["search", 1, 1], ["search", 1, 2], ["final", 4, 1]]);
  assert.deepEqual(stageOf(6, names(2)).turnLength, 4);
  assert.deepEqual(stageOf(1, names(2)).kind, "final");
});

Deno.test("the answer keeps the constraints even where another has more goodput, and says what it is not surely better than", () => {
  const loose = { ...standing("loose", 12, 1), holds: false, nearness: 0.98 };
  const answer = answerOf(
    [loose, standing("a", 10, 1), standing("b", 9.9, 1), standing("c", 6, 1)],
    (_, than) => than === "c" ? 1 : 0.55,
  );
  assert.equal(answer?.best.name, "a");
  assert.equal(answer?.noneHolds, false);
  assert.deepEqual(answer?.rivals, [
    { name: "b", probability: 0.55, toldApart: false },
    { name: "c", probability: 1, toldApart: true },
  ]);
});

Deno.test("where nothing keeps the constraints the nearest is named", () => {
  const far = { ...standing("far", 9, 1), holds: false, nearness: 0.4 };
  const near = { ...standing("near", 3, 1), holds: false, nearness: 0.8 };
  const answer = answerOf([far, near], () => 1);
  assert.deepEqual([answer?.best.name, answer?.noneHolds], ["near", true]);
  assert.equal(answerOf([], () => 1), null);
});

function standing(name: string, score: number, half: number): Standing {
  return {
    name,
    score,
    low: score - half,
    high: score + half,
    holds: true,
    surelyBroken: false,
    nearness: 1,
  };
}

function anyStanding() {
  return fc.record({
    score: fc.double({ min: 0, max: 100, noNaN: true }),
    half: fc.double({ min: 0, max: 20 }),
    nearness: fc.constantFrom(0, 0.5, 0.9, 1),
    sure: fc.boolean(),
  }).map(({ score, half, nearness, sure }): Standing => {
    const holds = nearness === 1;
    return {
      name: "",
      score,
      low: score - half,
      high: score + half,
      holds,
      surelyBroken: !holds && sure,
      nearness,
    };
  });
}

/** A whole search over candidates whose measured goodput is off by `noise` of itself in a first turn. */
function search(goodputs: readonly number[], seed: number, noise: number) {
  const random = randomStream(seed, "turns");
  const normal = () =>
    Math.sqrt(-2 * Math.log(uniformAboveZero(random))) * Math.cos(2 * Math.PI * uniformAboveZero(random));
  const pooled = goodputs.map(() => ({ length: 0, sum: 0 }));
  let names: readonly string[] = goodputs.map((_, at) => `c${at}`);
  let cost = 0;
  for (let number = 1;; number++) {
    const stage = stageOf(number, names);
    const standings = names.map((name) => {
      const at = Number(name.slice(1));
      const [one, goodput] = [pooled[at]!, goodputs[at]!];
      for (let round = 0; round < stage.rounds; round++) {
        one.sum += stage.turnLength * goodput * (1 + noise * normal() / Math.sqrt(stage.turnLength));
        one.length += stage.turnLength;
        cost += stage.turnLength;
      }
      return standing(name, one.sum / one.length, 1.96 * goodput * noise / Math.sqrt(one.length));
    });
    if (stage.kind === "final") return { finalists: names, best: rank(standings)[0]?.name, cost };
    names = halve(number, standings).on;
  }
}
