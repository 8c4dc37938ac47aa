import assert from "node:assert/strict";
import fc from "fast-check";
import type { Load } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { FIGURE_NAMES, figureOf, higherIsBetter } from "./figure_names.ts";
import { mm1, randomOf } from "../../tests/support/bench/queue.ts";
import { fromJson, summarizeCell, summarizeRun, toJson } from "./summary.ts";

const LOAD: Load = { kind: "closed", name: "1 client", concurrency: 1 };

/** Two rounds of 4 s and 2 s; the last request fails. */
const SMALL: readonly Sample[] = [
  sampleOf({ index: 0, intendedAt: 1000, sentAt: 1000, endedAt: 2000, outputTokens: 10, queueWaitMs: 5 }),
  sampleOf({ index: 1, intendedAt: 2000, sentAt: 2500, endedAt: 5000, outputTokens: 20, queueWaitMs: 15 }),
  sampleOf({ round: 1, index: 2, intendedAt: 60_000, sentAt: 60_000, endedAt: 61_000, outputTokens: 30 }),
  sampleOf({ round: 1, index: 3, intendedAt: 61_000, sentAt: 61_000, endedAt: 62_000, outcome: "failed" }),
];
const summarize = (samples: readonly Sample[], slo = {}) => summarizeCell(samples, LOAD, slo);

Deno.test("counts and rates: successes a second of measured time, which is that of the rounds alone", () => {
  const cell = summarize(SMALL, { e2eMs: 1000 });
  assert.deepEqual([cell.requests, cell.failed, cell.interrupted, cell.seconds], [4, 1, 0, 6]);
  assert.equal(cell.requestRate.value, 3 / 6);
  assert.equal(cell.outputTokenRate.value, 60 / 6);
  assert.equal(cell.totalTokenRate.value, 90 / 6);
  assert.equal(cell.goodput?.value, 2 / 6, "the one of 3 s kept no limit");
  assert.ok(Number.isNaN(cell.offeredRate), "a closed loop offers no rate");
  const open = { kind: "open", name: LOAD.name, arrivals: { kind: "constant", rate: 1 } } as const;
  assert.equal(summarizeCell(SMALL, open, {}).offeredRate, 2 / 2, "two gaps between sends in two seconds");
  assert.equal(summarize(SMALL).goodput, null);
});

Deno.test("the offered rate of bursts is not raised by the first, whose gap is not there", () => {
  const bursts = [0, 1000, 2000].flatMap((intendedAt) =>
    [0, 1, 2, 3].map((index) =>
      sampleOf({ index, intendedAt, sentAt: intendedAt, endedAt: intendedAt + 100 })
    )
  );
  const load = { kind: "open", name: LOAD.name, arrivals: { kind: "bursts", rate: 4, size: 4 } } as const;
  assert.equal(summarizeCell(bursts, load, {}).offeredRate, 4);
  assert.ok(Number.isNaN(summarizeCell(bursts.slice(0, 4), load, {}).offeredRate));
});

Deno.test("latencies: from the intended instant, with the failure as infinitely late", () => {
  const cell = summarize(SMALL);
  const { mean, p50, p90, p95 } = cell.e2eMs;
  assert.deepEqual([mean, p50, p90, p95].map(({ value }) => value), [Infinity, 2000, Infinity, Infinity]);
  assert.equal(summarize(SMALL.slice(0, 3)).e2eMs.mean.value, 5000 / 3);
  assert.equal(summarize(SMALL.slice(0, 3)).sendToEndMs.mean.value, 4500 / 3);
  assert.equal(summarize(SMALL.slice(0, 3)).queueWaitMs.p50.value, 5);
  assert.equal(cell.latenessMs.mean.value, 125);
  assert.ok(Number.isNaN(cell.ttftMs.p50.value));
  assert.equal(cell.itlMs.p99.samples, 0);
});

Deno.test("interrupted requests are counted apart and change no figure, and the warm-up is nowhere", () => {
  const others = [
    sampleOf({ intendedAt: 0, endedAt: 99_000, outcome: "interrupted" }),
    sampleOf({ intendedAt: 0, endedAt: 99_000, phase: "warmup" }),
    sampleOf({ intendedAt: 0, endedAt: 99_000, phase: "warmup", outcome: "interrupted" }),
  ];
  assert.deepEqual(summarize([...others, ...SMALL]), { ...summarize(SMALL), interrupted: 1 });
});

Deno.test("percentiles with fewer than 5 samples beyond are few: p50 needs 10, p95 100, p99 500", () => {
  const fews = (requests: number) => {
    const { p50, p90, p95, p99 } = summarize(mm1(randomOf(1), { requests, load: 0.5 })).e2eMs;
    return [p50, p90, p95, p99].map(({ few }) => few);
  };
  assert.deepEqual(fews(9), [true, true, true, true]);
  assert.deepEqual(fews(10), [false, true, true, true]);
  assert.deepEqual(fews(99), [false, false, true, true]);
  assert.deepEqual(fews(100), [false, false, false, true]);
  assert.deepEqual(fews(500), [false, false, false, false]);
});

Deno.test("the gaps of an answer are one request's: ITL needs as many requests as any latency", () => {
  const itl = (requests: number) => {
    const arrivals = Array.from({ length: 48 }, (_, at) => [at * 10 + at % 3, 1] as const);
    return summarize(mm1(randomOf(1), { requests, load: 0.5, told: { firstTextMs: 0, arrivals } })).itlMs;
  };
  const [eleven, hundred, enough] = [itl(11), itl(100), itl(500)];
  assert.deepEqual([eleven.p95.samples, eleven.p50.few], [11 * 47, false]);
  assert.deepEqual([eleven.p95, eleven.p99].map(({ few, high }) => [few, high]), [
    [true, Infinity],
    [true, Infinity],
  ]);
  assert.deepEqual([hundred.p95.few, hundred.p95.high < Infinity, hundred.p99.few], [false, true, true]);
  assert.deepEqual([enough.p99.few, enough.p99.high < Infinity], [false, true]);
});

Deno.test("an answer in one piece among streams adds no gaps, and no request to those that ITL needs", () => {
  const streamed = mm1(randomOf(1), { requests: 400, load: 0.5, told: { arrivals: [[1, 1], [2, 4]] } });
  const cell = summarize(streamed.map((one, at) => at < 99 ? one : { ...one, arrivals: null }));
  assert.deepEqual([cell.itlMs.p95.samples, cell.itlMs.p95.few], [4 * 99, true]);
});

Deno.test("what the samples can't bound has no upper end: p95 below 72 of them, p99 below 368", () => {
  const ends = (requests: number) => {
    const { p50, p95, p99 } = summarize(mm1(randomOf(1), { requests, load: 0.5 })).e2eMs;
    return [p50, p95, p99].map(({ high }) => high < Infinity);
  };
  assert.deepEqual(ends(50), [true, false, false]);
  assert.deepEqual(ends(71), [true, false, false]);
  assert.deepEqual(ends(72), [true, true, false]);
  assert.deepEqual(ends(367), [true, true, false]);
  assert.deepEqual(ends(368), [true, true, true]);
});

Deno.test("every interval holds its figure", () => {
  const cell = summarize(mm1(randomOf(9), { requests: 400, load: 0.8 }), { e2eMs: 50 });
  for (const name of FIGURE_NAMES) {
    const { value, low, high } = figureOf(cell, name);
    if (!Number.isNaN(value)) assert.ok(low <= value && value <= high, `${name} ${low} ${value} ${high}`);
  }
});

Deno.test("each variant and load is a cell: load by load, under each the variants in the plan's order", () => {
  const variants = ["direct", "queued"].map((name) => ({ name, mode: null, settings: {} }));
  const loads: Load[] = [LOAD, { ...LOAD, name: "8 clients", concurrency: 8 }];
  const { cells } = summarizeRun([
    sampleOf({ variant: "queued", load: "1 client", phase: "warmup" }),
    sampleOf({ variant: "direct", load: "8 clients" }),
    sampleOf({ variant: "queued", load: "1 client" }),
    sampleOf({ variant: "direct", load: "1 client" }),
    sampleOf({ variant: "direct", load: "8 clients" }),
  ], { variants, loads, slo: {} });
  assert.deepEqual(cells.map(({ variant, load, requests }) => [variant, load, requests]), [
    ["direct", "1 client", 1],
    ["queued", "1 client", 1],
    ["direct", "8 clients", 2],
  ]);
  assert.throws(
    () => summarizeRun([sampleOf({ load: "9 clients" })], { variants, loads, slo: {} }),
    /no load "9 clients"/,
  );
});

Deno.test("a summary survives its JSON, with what JSON has no numbers for", () => {
  const summary = summarizeRun([...SMALL, sampleOf({ variant: "NaN" })], {
    variants: [],
    loads: [LOAD],
    slo: { e2eMs: 5 },
  });
  assert.match(toJson(summary), /"high": "Infinity"/);
  assert.deepEqual(fromJson(toJson(summary)), summary);
  assert.throws(() => fromJson("{}"), /schema 1/);
});

const anySample = fc.record({
  intendedAt: fc.integer({ min: 0, max: 1000 }),
  lateMs: fc.integer({ min: 0, max: 5 }),
  serviceMs: fc.integer({ min: 1, max: 500 }),
  firstShare: fc.double({ min: 0, max: 1, noNaN: true }),
  outputTokens: fc.integer({ min: 1, max: 9 }),
  round: fc.integer({ min: 0, max: 2 }),
  failed: fc.boolean(),
});
const anyCell = fc.array(anySample, { minLength: 1, maxLength: 30 }).map((drawn) =>
  drawn.map(({ intendedAt, lateMs, serviceMs, firstShare, outputTokens, round, failed }, index) => {
    const sentAt = intendedAt + lateMs;
    const arrivals = [[firstShare * serviceMs, 1], [serviceMs, outputTokens - 1]] as const;
    return sampleOf({
      ...{ round, index, intendedAt, sentAt, endedAt: sentAt + serviceMs, outputTokens, arrivals },
      firstTextMs: firstShare * serviceMs,
      outcome: failed ? "failed" : "ok",
    });
  })
);

Deno.test("the order of the recording changes nothing", () => {
  const shuffled = anyCell.chain((cell) =>
    fc.tuple(fc.constant(cell), fc.shuffledSubarray(cell, { minLength: cell.length, maxLength: cell.length }))
  );
  fc.assert(
    fc.property(shuffled, ([cell, other]) => {
      assert.deepEqual(summarize(other), summarize(cell));
    }),
    { numRuns: 20 },
  );
});

Deno.test("a request that fails improves no figure", () => {
  fc.assert(
    fc.property(anyCell, fc.nat(), (cell, which) => {
      const at = which % cell.length;
      const worse = cell.map((sample, place): Sample =>
        place === at ? { ...sample, outcome: "failed" } : sample
      );
      const [before, after] = [summarize(cell, { e2eMs: 300 }), summarize(worse, { e2eMs: 300 })];
      for (const name of FIGURE_NAMES) {
        const [was, is] = [figureOf(before, name).value, figureOf(after, name).value];
        const improved = higherIsBetter(name) ? is > was : is < was;
        assert.ok(!improved, `${name} from ${was} to ${is}`);
      }
    }),
    { numRuns: 30 },
  );
});
