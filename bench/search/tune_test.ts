import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Arrivals, Load } from "../plan.ts";
import { StartupError } from "../../src/core/errors.ts";
import { planOf } from "../../tests/support/bench/environment.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Sample } from "../record/sample.ts";
import type { Turn } from "../run/lab.ts";
import { named } from "../workload/arrivals.ts";
import { scheduleOf } from "../workload/requests.ts";
import { holds, keptOf, nearness, splitConstraints, surelyBroken, tune, type Tuned } from "./tune.ts";

const { mix: MIX } = planOf();
const TRACE = fileURLToPath(new URL("../workload/traces/azure_conv_2023_excerpt.csv", import.meta.url));

Deno.test("no turn is cut while its requests still come, whatever the arrivals", async () => {
  const kinds: readonly Arrivals[] = [
    { kind: "ramp", from: 1, to: 20 },
    { kind: "steps", rates: [1, 5, 20] },
    { kind: "trace", file: TRACE, speed: 1 },
    { kind: "poisson", rate: 10 },
  ];
  for (const arrivals of kinds) {
    for (const limits of [{}, { requests: 20 }]) {
      const { cut } = await tuned(open(arrivals), limits);
      assert.equal(cut, 0, `${cut} turns under ${arrivals.kind} were cut`);
    }
  }
});

Deno.test("the first turn of rates that change has time for 30 requests too", async () => {
  const { turns } = await tuned(open({ kind: "steps", rates: [1, 3] }));
  assert.deepEqual(turns.slice(1).map(({ limits }) => limits.durationMs), Array(4).fill(15_000));
});

Deno.test("the first look at 32 clients is no turn of a candidate's cell, also where that is 32 clients", async () => {
  const { turns, found } = await tuned({ kind: "closed", name: "32 clients", concurrency: 32 });
  const places = turns.map(({ variant, load, round }) => `${variant.name}, ${load.name}, ${round}`);
  assert.equal(new Set(places).size, places.length);
  assert.deepEqual(
    new Set(found.finalists.flatMap(({ samples }) => samples.map(({ load }) => load))),
    new Set(["32 clients"]),
  );
  assert.equal(turns.filter(({ load }) => load.name === "a first look, 32 clients").length, 1);
});

Deno.test("a turn may have more samples than a call can have arguments", async () => {
  const samples = Array(200_000).fill(sampleOf({ load: "8 clients" }));
  const { found } = await tuned({ kind: "closed", name: "8 clients", concurrency: 8 }, {}, samples);
  assert.equal(found.finalists[0]?.samples.length, 4 * 200_000);
});

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

function open(arrivals: Arrivals): Load {
  return named({ kind: "open", arrivals });
}

/** A search over one candidate, whose turns end at once with these samples. */
async function tuned(
  load: Load,
  limits: { readonly requests?: number } = {},
  samples: readonly Sample[] = [sampleOf({ load: load.name })],
) {
  const variant = { name: "direct", mode: "direct" as const, settings: {} };
  const found: Tuned = { finalists: [{ variant, samples: [] }], dropped: [], turns: 0, complete: false };
  const turns: Turn[] = [];
  let cut = 0;
  const lab = {
    async turn(turn: Turn) {
      turns.push(turn);
      turn.progress.start();
      if (turn.load.kind === "open") turn.reshape?.(scheduleOf(turn.load, MIX, turn.limits, 1));
      await sleep(5);
      if (turn.cut?.aborted) cut++;
      return samples;
    },
  };
  const plan = { requests: null, durationMs: null, slo: { ttftMs: 500 }, seed: 1, ...limits };
  await tune(lab, found, { plan, load, constraints: [] }, new AbortController().signal);
  return { found, turns, cut };
}
