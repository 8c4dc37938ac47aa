import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { planOf } from "../../tests/support/bench/environment.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { summarizeRun } from "../metrics/summary.ts";
import { cellsOf } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { readWorkloadFile } from "../workload/file.ts";
import { nameOfVariant } from "../workload/names.ts";
import {
  compareWith,
  type Publication,
  PUBLICATIONS,
  type PublishedRow,
  reproductionText,
} from "./published.ts";

const PUBLISHED: Publication = {
  title: "A model",
  requests: "13 prompt and 150 output tokens",
  profile: "a40",
  workload: "some.yaml",
  quickWorkload: "quick.yaml",
  aloneTtftMs: 50,
  rows: [
    { atOnce: 1, load: "1 client", quickLoad: "1 client", tokensPerSecond: 163, tpotP50Ms: 5 },
    { atOnce: 2, load: "2 clients", quickLoad: null, tokensPerSecond: 326, tpotP50Ms: 5 },
  ],
};
const [ONE, TWO] = PUBLISHED.rows as [PublishedRow, PublishedRow];
const PLAN = planOf({
  loads: [1, 2].map((concurrency) => ({
    kind: "closed",
    name: concurrency === 1 ? "1 client" : "2 clients",
    concurrency,
    requests: 6,
  })),
  stream: true,
});

Deno.test("a figure within 3 % is reproduced, one beyond is missed by its name", () => {
  const { rows: [alone, two], isMissed } = compared([...samplesOf(ONE, 1.02), ...samplesOf(TWO, 1.05)]);
  assert.equal(alone?.tokenRate.isMissed, false);
  assert.ok(Math.abs(alone!.tokenRate.offPercent - 100 * (1 / 1.02 - 1)) < 0.01, "a second took 2 % longer");
  assert.deepEqual([alone?.tpot.isMissed, two?.tokenRate.isMissed, two?.tpot.isMissed], [false, true, true]);
  assert.ok(isMissed);
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

Deno.test("a quick look leaves rows out that have no quick load, and says that it is rough", () => {
  const quick = compareWith(PUBLISHED, { cells: [] }, [], true);
  assert.deepEqual(quick.rows.map(({ row }) => row.atOnce), [1]);
  assert.match(reproductionText(PUBLISHED, quick, PLAN, true), /^Rough: /m);
});

for (const [name, publication] of Object.entries(PUBLICATIONS)) {
  Deno.test(`the workload files of ${name} measure each published row and nothing else`, async () => {
    for (const [file, quick] of [[publication.workload, false], [publication.quickWorkload, true]] as const) {
      const path = fileURLToPath(new URL(file, import.meta.url));
      const { variants = [], loads = [], mix, rounds, stream } = await readWorkloadFile(path);
      assert.deepEqual([rounds, stream, mix?.classes.length], [1, true, 1]);
      const measured = cellsOf({ variants, loads }).map(({ variant, load }) =>
        `${variant.name}, ${load.name}`
      );
      const published = publication.rows.flatMap((row) => {
        const load = quick ? row.quickLoad : row.load;
        return load === null ? [] : [`${variantOf(row)}, ${load}`];
      });
      assert.deepEqual(measured, published);
      assert.ok(
        loads.every((load) => load.kind === "closed" && load.requests),
        "each load says how many requests",
      );
    }
  });
}

function variantOf({ atOnce }: PublishedRow): string {
  return nameOfVariant({ mode: "continuous", settings: { MAX_CONCURRENT_STREAMS: atOnce } });
}

/** Requests one after the other at each client, each of one second times `slower`, as published otherwise. */
function samplesOf(row: PublishedRow, slower: number): Sample[] {
  return Array.from({ length: 6 }, (_, index) => {
    const intendedAt = Math.floor(index / row.atOnce) * 1000 * slower;
    return sampleOf({
      variant: variantOf(row),
      load: row.load,
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
  return compareWith(PUBLISHED, summarizeRun(samples, PLAN), samples, false);
}

function textOf(samples: readonly Sample[]): string {
  return reproductionText(PUBLISHED, compared(samples), PLAN, false);
}
