import assert from "node:assert/strict";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { StartupError } from "../../src/core/errors.ts";
import { holds, keptOf, nearness, splitConstraints, surelyBroken } from "./constraints.ts";

Deno.test("a percentile asks something of all requests, and its limit of each", () => {
  assert.deepEqual(splitConstraints("ttft_p95=500ms, tpot_p90=50ms,e2e=5s"), {
    slo: "ttft=500ms,tpot=50ms,e2e=5s",
    constraints: [{ latency: "ttft", percent: 95 }, { latency: "tpot", percent: 90 }],
  });
  assert.deepEqual(splitConstraints("ttft=500ms").constraints, []);
});

Deno.test("a percentile that is none is refused with the rule and the value", () => {
  for (const text of ["ttft_p0=5ms", "ttft_p999=5ms", "ttft_pp=5ms", "ttft_p=5ms"]) {
    assert.throws(() => splitConstraints(text), (thrown) => {
      assert.ok(thrown instanceof StartupError);
      assert.deepEqual(thrown.problems, [
        `a percentile of --slo must be a whole number from 1 to 99, as in ttft_p95, got "${text}"`,
      ]);
      return true;
    });
  }
});

Deno.test("the share of requests that kept a limit decides; those without an answer did not keep it", () => {
  const samples = [
    ...Array.from({ length: 90 }, () => sampleOf({ firstTextMs: 400 })),
    ...Array.from({ length: 10 }, () => sampleOf({ outcome: "interrupted", firstTextMs: null })),
  ];
  const kept = (percent: number) => keptOf(samples, { ttftMs: 500 }, [{ latency: "ttft", percent }]);
  const [ninety] = kept(90);
  assert.equal(ninety?.share, 0.9);
  assert.equal(ninety?.limitMs, 500);
  assert.ok(ninety && holds(ninety) && ninety.low > 0.82 && ninety.high < 0.95);
  const [ninetyFive] = kept(95);
  assert.ok(ninetyFive && !holds(ninetyFive) && surelyBroken(ninetyFive));
  const [ninetyTwo] = kept(92);
  assert.ok(ninetyTwo && !holds(ninetyTwo) && !surelyBroken(ninetyTwo));
  assert.equal(nearness(kept(90)), 1);
  assert.ok(Math.abs(nearness([...kept(90), ...kept(95)]) - 90 / 95) < 1e-9);
  assert.equal(nearness([]), 1);
});
