import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { planOf } from "../../tests/support/bench/environment.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { summarizeRun } from "../metrics/summary.ts";
import { cellsOf, type Load, type Variant } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { readWorkloadFile } from "../workload/file.ts";
import { nameOfVariant } from "../workload/variants.ts";
import { compareWith, type Publication, PUBLICATIONS, reproductionText } from "./published.ts";

const PUBLISHED: Publication = {
  title: "A model",
  requests: "13 prompt and 150 output tokens",
  profile: "a40",
  workload: "some.yaml",
  quickWorkload: "quick.yaml",
  aloneTtftMs: 50,
  rows: [[163, 5], [326, 5]],
};
const [ONE, TWO] = [1, 2].map((atOnce) => {
  const settings = { MAX_CONCURRENT_STREAMS: atOnce };
  const mode = "continuous" as const;
  const load: Load = { kind: "closed", name: `${atOnce} clients`, concurrency: atOnce, requests: 6 };
  const variant: Variant = { mode, settings, name: nameOfVariant({ mode, settings }), loads: [load.name] };
  return { variant, load };
}) as [Cell, Cell];
const PLAN = planOf({
  variants: [ONE.variant, TWO.variant],
  loads: [ONE.load, TWO.load],
  stream: true,
});

Deno.test("a figure within 3 % is reproduced, one beyond is missed by its name", () => {
  const { rows: [alone, two] } = compared([...samplesOf(ONE, 1.02), ...samplesOf(TWO, 1.05)]);
  assert.equal(alone?.tokenRate.isMissed, false);
  assert.ok(Math.abs(alone!.tokenRate.offPercent - 100 * (1 / 1.02 - 1)) < 0.01, "a second took 2 % longer");
  assert.deepEqual([alone?.tpot.isMissed, two?.tokenRate.isMissed, two?.tpot.isMissed], [false, true, true]);
  assert.match(
    textOf([...samplesOf(ONE, 1.02), ...samplesOf(TWO, 1.05)]),
    /^More than 3 % off: TTFT of one request alone; tok\/s, 2 at once, 2 clients; TPOT p50, 2 at once, 2 clients\.$/m,
  );
});

Deno.test("what was not measured, or not answered in full, is missed", () => {
  const failed = samplesOf(ONE, 1).map((sample, index) =>
    index === 0 ? { ...sample, outcome: "failed" as const } : sample
  );
  const { rows } = compared(failed);
  assert.ok(rows.every(({ tokenRate, tpot }) => tokenRate.isMissed && tpot.isMissed));
  assert.ok(rows.every(({ tokenRate }) => Number.isNaN(tokenRate.measured)));
  assert.doesNotMatch(textOf(failed), /NaN/);
});

Deno.test("the request that runs alone has the median TTFT of its row at the worker", () => {
  const alone = [49, 51, 500].map((workerTtftMs) => ({ ...samplesOf(ONE, 1)[0]!, workerTtftMs }));
  const others = samplesOf(TWO, 1).map((sample) => ({ ...sample, workerTtftMs: 900 }));
  const { measured, isMissed } = compared([...alone, ...others]).alone;
  assert.deepEqual([measured, isMissed], [51, false]);
});

Deno.test("a quick look has the rows of its plan, and says that it is rough", () => {
  const plan = planOf({ variants: [ONE.variant], loads: [ONE.load] });
  const quick = compareWith(PUBLISHED, plan, { cells: [] }, []);
  assert.deepEqual(quick.rows.map(({ tokenRate }) => tokenRate.published), [163]);
  assert.match(reproductionText(PUBLISHED, quick, true), /^Rough: /m);
});

for (const [name, { workload, quickWorkload, rows }] of Object.entries(PUBLICATIONS)) {
  Deno.test(`the workload files of ${name} measure the published rows in their order`, async () => {
    const gates = await Promise.all([workload, quickWorkload].map(async (file) => {
      const path = fileURLToPath(new URL(file, import.meta.url));
      const { variants = [], loads = [], mix, rounds, stream } = await readWorkloadFile(path);
      assert.deepEqual([rounds, stream, mix?.classes.length], [1, true, 1]);
      assert.ok(
        loads.every((load) => load.kind === "closed" && load.requests),
        "each load says how many requests",
      );
      return cellsOf({ variants, loads }).map(({ variant }) => variant.settings.MAX_CONCURRENT_STREAMS);
    }));
    const [all = [], quick = []] = gates;
    assert.equal(all.length, rows.length);
    assert.deepEqual(quick, all.slice(0, quick.length), "a quick look has the first rows");
    assert.equal(new Set(rows.map(String)).size, rows.length);
  });
}

interface Cell {
  readonly variant: Variant;
  readonly load: Load;
}

/** Requests one after the other at each client, each of one second times `slower`, as published otherwise. */
function samplesOf({ variant, load }: Cell, slower: number): Sample[] {
  return Array.from({ length: 6 }, (_, index) => {
    const intendedAt = Math.floor(index / variant.settings.MAX_CONCURRENT_STREAMS!) * 1000 * slower;
    return sampleOf({
      variant: variant.name,
      load: load.name,
      index,
      intendedAt,
      sentAt: intendedAt,
      endedAt: intendedAt + 1000 * slower,
      inputTokens: 13,
      outputTokens: 150,
      firstTextMs: (1000 - 149 * 5) * slower,
    });
  });
}

function compared(samples: readonly Sample[]) {
  return compareWith(PUBLISHED, PLAN, summarizeRun(samples, PLAN), samples);
}

function textOf(samples: readonly Sample[]): string {
  return reproductionText(PUBLISHED, compared(samples), false);
}
