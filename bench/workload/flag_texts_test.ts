import assert from "node:assert/strict";
import { StartupError } from "../../src/core/errors.ts";
import { parseArrivalsFlag, parseLengthsFlag } from "./flag_texts.ts";
import { MOST_TOKENS } from "./lengths.ts";

Deno.test("arrivals are read from their short texts", () => {
  assert.deepEqual(parseArrivalsFlag("poisson", 4), { kind: "poisson", rate: 4 });
  assert.deepEqual(parseArrivalsFlag("constant", 4), { kind: "constant", rate: 4 });
  assert.deepEqual(parseArrivalsFlag("gamma:2.5", 4), { kind: "gamma", rate: 4, cv: 2.5 });
  assert.deepEqual(parseArrivalsFlag("bursts:16", 4), { kind: "bursts", rate: 4, size: 16 });
});

Deno.test("lengths are read from their short texts", () => {
  assert.deepEqual(parseLengthsFlag("512"), { kind: "fixed", tokens: 512 });
  assert.deepEqual(parseLengthsFlag("128-1024"), { kind: "uniform", min: 128, max: 1024 });
  const wide = { mean: 300, sd: 200, min: 1, max: MOST_TOKENS };
  assert.deepEqual(parseLengthsFlag("lognormal:300:200"), { kind: "lognormal", ...wide });
  assert.deepEqual(parseLengthsFlag("normal:300:200:900"), { kind: "normal", ...wide, max: 900 });
  assert.deepEqual(parseLengthsFlag("geometric:64"), { kind: "geometric", mean: 64, max: MOST_TOKENS });
});

const FORMS = "--arrivals must be poisson, constant, gamma:CV or bursts:SIZE, got";
const LENGTH_FORMS =
  "--prompt-tokens must be a whole number, MIN-MAX, normal:MEAN:SD, lognormal:MEAN:SD or geometric:MEAN, got";
const REFUSED: readonly (readonly [() => unknown, string])[] = [
  [() => parseArrivalsFlag("gamma", 4), `${FORMS} "gamma"`],
  [() => parseArrivalsFlag("poisson:2", 4), `${FORMS} "poisson:2"`],
  [() => parseArrivalsFlag("gamma:0", 4), "--arrivals gamma.cv must be a number from 0.01 to 100, got 0"],
  [
    () => parseArrivalsFlag("bursts:1.5", 4),
    "--arrivals bursts.size must be a whole number from 1 to 100000, got 1.5",
  ],
  [() => parseLengthsFlag("many"), `${LENGTH_FORMS} "many"`],
  [() => parseLengthsFlag("-5"), `${LENGTH_FORMS} "-5"`],
  [() => parseLengthsFlag("normal:3"), `${LENGTH_FORMS} "normal:3"`],
  [() => parseLengthsFlag("geometric:3:4:5"), `${LENGTH_FORMS} "geometric:3:4:5"`],
  [
    () => parseLengthsFlag("9-3"),
    "--prompt-tokens uniform.max must be a whole number from min (9) on, got 3",
  ],
  [
    () => parseLengthsFlag("normal:a:3"),
    '--prompt-tokens normal.mean must be a number from 1 to 131072, got "a"',
  ],
  [
    () => parseLengthsFlag("lognormal:300:9:100"),
    "--prompt-tokens lognormal.mean must be a number from min (1) to max (100), got 300",
  ],
];

for (const [parse, problem] of REFUSED) {
  Deno.test(`refused: ${problem}`, () => {
    assert.throws(parse, (thrown) => {
      assert.ok(thrown instanceof StartupError);
      assert.deepEqual(thrown.problems, [problem]);
      return true;
    });
  });
}
