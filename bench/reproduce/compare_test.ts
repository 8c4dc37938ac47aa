import assert from "node:assert/strict";
import { summarizeRun } from "../metrics/summary.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import type { Sample } from "../record/sample.ts";
import { compareAlone, type ComparedRow, compareRows, comparisonText } from "./compare.ts";
import { planOfRows, type ReproducedRow, reproducedRows } from "./measure.ts";
import type { Publication } from "./published.ts";

const PUBLISHED: Publication = {
  title: "A model",
  profile: "a40",
  promptTokens: 13,
  outputTokens: 150,
  aloneTtftMs: 50,
  rows: [
    row({ atOnce: 1, tokensPerSecond: 163, tpotP50Ms: 5 }),
    row({ atOnce: 2, tokensPerSecond: 326, tpotP50Ms: 5 }),
  ],
};

Deno.test("a figure within 3 % is reproduced, one beyond is missed by its name", () => {
  const rows = reproducedRows(PUBLISHED, false);
  const [alone, two] = comparedWith([
    ...samplesOf(rows[0], 1.02),
    ...samplesOf(rows[1], 1.05),
  ]);
  assert.equal(alone?.tokenRate.missed, false);
  assert.ok(Math.abs(alone!.tokenRate.offPercent - 100 * (1 / 1.02 - 1)) < 0.01, "a second took 2 % longer");
  assert.equal(alone?.tpot.missed, false);
  assert.equal(two?.tokenRate.missed, true);
  assert.equal(two?.tpot.missed, true);
  const text = textOf([alone!, two!]);
  assert.match(
    text,
    /^More than 3 % off: TTFT of one request alone; tok\/s, 2 at once, 2 clients; TPOT p50, 2 at once, 2 clients\.$/m,
  );
});

Deno.test("what was not measured, or not answered in full, is missed", () => {
  const rows = reproducedRows(PUBLISHED, false);
  const failed = samplesOf(rows[0], 1).map((sample, index) =>
    index === 0 ? { ...sample, outcome: "failed" as const } : sample
  );
  const compared = comparedWith(failed);
  assert.deepEqual(compared.map(({ tokenRate, tpot }) => [tokenRate.missed, tpot.missed]), [[true, true], [
    true,
    true,
  ]]);
  assert.ok(compared.every(({ tokenRate }) => Number.isNaN(tokenRate.measured)));
  assert.doesNotMatch(textOf(compared), /NaN/);
});

Deno.test("the request that runs alone has the median TTFT of its row at the worker", () => {
  const rows = reproducedRows(PUBLISHED, false);
  const ttfts = [49, 51, 500];
  const samples = ttfts.map((workerTtftMs) => ({ ...samplesOf(rows[0], 1)[0]!, workerTtftMs }));
  const others = samplesOf(rows[1], 1).map((sample) => ({ ...sample, workerTtftMs: 900 }));
  const { measured, missed } = compareAlone(PUBLISHED, rows, [...samples, ...others]);
  assert.equal(measured, 51);
  assert.equal(missed, false);
});

Deno.test("a quick look leaves rows out that have no quick load, and says that it is rough", () => {
  const [first, second] = PUBLISHED.rows;
  const rows = reproducedRows({ ...PUBLISHED, rows: [first!, { ...second!, quick: null }] }, true);
  assert.deepEqual(rows.map(({ published, asked }) => [published.atOnce, asked.requests]), [[1, 1]]);
  assert.match(comparisonText(PUBLISHED, [], compareAlone(PUBLISHED, rows, []), true), /^Rough: /m);
});

Deno.test("rows of the same gate share an engine, and so many at once is its limit", () => {
  const [first] = PUBLISHED.rows;
  const more = { ...first!, load: { requests: 9, clients: 4 } };
  const plan = planOfRows(PUBLISHED, reproducedRows({ ...PUBLISHED, rows: [first!, more] }, false));
  assert.deepEqual(plan.variants.map(({ mode, settings }) => [mode, settings]), [
    ["continuous", { MAX_CONCURRENT_STREAMS: 1 }],
  ]);
  assert.deepEqual(plan.loads.map(({ name }) => name), ["1 client", "4 clients"]);
});

function row(
  figures: Pick<Publication["rows"][number], "atOnce" | "tokensPerSecond" | "tpotP50Ms">,
): Publication["rows"][number] {
  const load = { requests: 6, clients: figures.atOnce };
  return { ...figures, load, quick: { requests: figures.atOnce, clients: figures.atOnce } };
}

/** Requests one after the other at each client, each of one second times `slower`, as published otherwise. */
function samplesOf(row: ReproducedRow | undefined, slower: number): Sample[] {
  const { variant, load, published } = row!;
  return Array.from({ length: published.load.requests }, (_, index) => {
    const intendedAt = Math.floor(index / published.atOnce) * 1000 * slower;
    const endedAt = intendedAt + 1000 * slower;
    return sampleOf({
      variant: variant.name,
      load: load.name,
      index,
      intendedAt,
      sentAt: intendedAt,
      endedAt,
      inputTokens: 13,
      outputTokens: 150,
      firstTextMs: (1000 - 149 * 5) * slower,
    });
  });
}

function comparedWith(samples: readonly Sample[]): ComparedRow[] {
  const rows = reproducedRows(PUBLISHED, false);
  return compareRows(rows, summarizeRun(samples, planOfRows(PUBLISHED, rows)));
}

function textOf(rows: readonly ComparedRow[]): string {
  return comparisonText(PUBLISHED, rows, compareAlone(PUBLISHED, [], []), false);
}
