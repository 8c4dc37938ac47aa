/** The mistakes that load generators make, each planted beside the real figure: the case must tell one from the other. */
import assert from "node:assert/strict";
import type { Load } from "../plan.ts";
import type { Sample } from "../record/sample.ts";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { percentile } from "../../src/percentile.ts";
import { meetsSlo } from "./requests.ts";
import { summarizeCell } from "./summary.ts";

const LOAD: Load = { kind: "open", name: "10/s", arrivals: { kind: "constant", rate: 10 } };
const summarize = (samples: readonly Sample[], slo = {}) => summarizeCell(samples, LOAD, slo);
const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function tells(real: number, expected: number, mistaken: number): void {
  assert.ok(Math.abs(real - expected) < 1e-9 || Object.is(real, expected), `${real} should be ${expected}`);
  assert.notEqual(mistaken, expected, "the case can't tell the mistake");
}

/** Due every 100 ms. The server stands still for a second from the 11th on, and the generator, blocked, sends late. */
const STALLED = Array.from({ length: 40 }, (_, index) => {
  const intendedAt = index * 100;
  const sentAt = index > 10 && index < 20 ? 2000 : intendedAt;
  return sampleOf({ index, intendedAt, sentAt, endedAt: index === 10 ? 2000 : sentAt + 10 });
});

Deno.test("coordinated omission: latency from sending hides the requests that a stall kept from being sent", () => {
  const fromSending = percentile(sorted(STALLED.map(({ sentAt, endedAt }) => endedAt - sentAt)), 90);
  const e2e = [...new Array<number>(30).fill(10), 110, 210, 310, 410, 510, 610, 710, 810, 910, 1000];
  tells(summarize(STALLED).e2eMs.p90.value, percentile(e2e, 90), fromSending);
  assert.equal(Math.round(fromSending), 10, "from sending the stall is nearly invisible");
  assert.equal(summarize(STALLED).sendToEndMs.p90.value, fromSending, "it is kept beside");
});

Deno.test("TTFT from sending leaves the generator's lateness out", () => {
  const late = [sampleOf({ intendedAt: 0, sentAt: 30, endedAt: 500, firstTextMs: 100 })];
  tells(summarize(late).ttftMs.p50.value, 130, late[0]!.firstTextMs!);
});

/** 90 good ones of 10 ms, 10 that were refused at once. */
const REFUSED = Array.from({ length: 100 }, (_, index) =>
  sampleOf({
    ...{
      index,
      intendedAt: index * 100,
      sentAt: index * 100,
      endedAt: index * 100 + (index % 10 === 9 ? 1 : 10),
    },
    outcome: index % 10 === 9 ? "failed" : "ok",
  }));

Deno.test("failures dropped, or counted by the short time that they took, make a breaking server fast", () => {
  const dropped = REFUSED.filter(({ outcome }) => outcome === "ok").map((s) => s.endedAt - s.intendedAt);
  const asTheyCame = REFUSED.map(({ intendedAt, endedAt }) => endedAt - intendedAt);
  tells(summarize(REFUSED).e2eMs.p95.value, Infinity, percentile(sorted(dropped), 95));
  tells(summarize(REFUSED).e2eMs.p95.value, Infinity, percentile(sorted(asTheyCame), 95));
});

Deno.test("failures counted as throughput make it the rate of refusals", () => {
  const seconds = 9.901;
  tells(summarize(REFUSED).requestRate.value, 90 / seconds, 100 / seconds);
});

Deno.test("ITL by chunk takes what came together for one token", () => {
  const chunks = [[0, 1], [40, 4], [80, 4]] as const;
  const byChunk = percentile([40, 40], 50);
  tells(
    summarize([sampleOf({ firstTextMs: 0, arrivals: chunks, outputTokens: 9 })]).itlMs.p50.value,
    0,
    byChunk,
  );
});

Deno.test("ITL averaged by request lets the many tokens of a slow stream count as few", () => {
  const stream = (index: number, gapMs: number, tokens: number) =>
    sampleOf({
      index,
      firstTextMs: 0,
      arrivals: Array.from({ length: tokens }, (_, at) => [at * gapMs, 1] as const),
    });
  const byRequest = mean([10, 50]);
  tells(summarize([stream(0, 10, 2), stream(1, 50, 10)]).itlMs.mean.value, (10 + 9 * 50) / 10, byRequest);
});

Deno.test("TPOT with the first token in it is part TTFT", () => {
  const sample = sampleOf({ intendedAt: 0, sentAt: 0, endedAt: 1000, firstTextMs: 600, outputTokens: 5 });
  tells(summarize([sample]).tpotMs.p50.value, 100, 1000 / 5);
});

Deno.test("a batch size averaged over requests counts a batch of 32 for 32 times", () => {
  const batch = (id: number, size: number) =>
    Array.from(
      { length: size },
      (_, index) =>
        sampleOf({ index, dispatch: { id, size, reason: "full", queueWaitMs: 0, lateMs: 0, attempts: 1 } }),
    );
  const samples = [...batch(1, 1), ...batch(2, 31)];
  tells(summarize(samples).batches!.meanSize, 16, mean(samples.map(({ dispatch }) => dispatch!.size)));
});

const ROUNDS = [
  sampleOf({ round: 0, index: 0, intendedAt: 0, sentAt: 0, endedAt: 1000 }),
  sampleOf({ round: 1, index: 1, intendedAt: 99_000, sentAt: 99_000, endedAt: 100_000 }),
];

Deno.test("a rate over the whole run has the other variants' turns in its time", () => {
  tells(summarize(ROUNDS).requestRate.value, 1, 2 / 100);
});

Deno.test("a rate over the time of the sends leaves the drain out, in which the last answers were made", () => {
  const overloaded = Array.from(
    { length: 11 },
    (_, index) =>
      sampleOf({ index, intendedAt: index * 100, sentAt: index * 100, endedAt: (index + 1) * 1000 }),
  );
  tells(summarize(overloaded).requestRate.value, 1, 11 / 1);
});

Deno.test("goodput by one limit at a time, or from sending, is not all limits for the one who waits", () => {
  const slo = { ttftMs: 100, e2eMs: 1000 };
  const samples = [
    sampleOf({ index: 0, intendedAt: 0, sentAt: 0, endedAt: 900, firstTextMs: 200 }),
    sampleOf({ index: 1, intendedAt: 0, sentAt: 0, endedAt: 2000, firstTextMs: 50 }),
    sampleOf({ index: 2, intendedAt: 0, sentAt: 150, endedAt: 950, firstTextMs: 50 }),
    sampleOf({ index: 3, intendedAt: 0, sentAt: 0, endedAt: 800, firstTextMs: 50 }),
  ];
  const goodput = summarize(samples, slo).goodput!.value;
  const anyLimit = samples.filter((s) => meetsSlo(s, { ttftMs: 100 }) || meetsSlo(s, { e2eMs: 1000 })).length;
  const sent = samples.filter((s) => s.firstTextMs! <= 100 && s.endedAt - s.sentAt <= 1000).length;
  tells(goodput, 1 / 2, anyLimit / 2);
  tells(goodput, 1 / 2, sent / 2);
});

Deno.test("the warm-up counted makes the first, cold requests part of the figures", () => {
  const cold = sampleOf({ intendedAt: 0, sentAt: 0, endedAt: 5000, phase: "warmup" });
  const warm = sampleOf({ index: 1, intendedAt: 5000, sentAt: 5000, endedAt: 5100 });
  tells(summarize([cold, warm]).e2eMs.mean.value, 100, mean([5000, 100]));
});

Deno.test("percentiles averaged over the rounds are no percentile", () => {
  const round = (number: number, latencies: readonly number[]) =>
    latencies.map((e2eMs, index) => {
      const intendedAt = number * 1e6 + index * 1000;
      return sampleOf({ round: number, index, intendedAt, sentAt: intendedAt, endedAt: intendedAt + e2eMs });
    });
  const [fast, slow] = [[10, 10, 10, 10, 10], [10, 20, 900]];
  const averaged = mean([percentile(fast, 50), percentile(slow, 50)]);
  tells(summarize([...round(0, fast), ...round(1, slow)]).e2eMs.p50.value, 10, averaged);
});

Deno.test("Little's law over complete samples is 0 whatever happens, over the time of the sends it is not", () => {
  const overloaded = Array.from(
    { length: 100 },
    (_, index) =>
      sampleOf({ index, intendedAt: index * 100, sentAt: index * 100, endedAt: (index + 1) * 200 }),
  );
  const inSystemMs = overloaded.reduce((sum, { intendedAt, endedAt }) => sum + endedAt - intendedAt, 0);
  const wholeMs = 20_000;
  const identity = (inSystemMs / wholeMs) / ((100 / wholeMs) * (inSystemMs / 100)) - 1;
  assert.equal(identity, 0);
  assert.ok(summarize(overloaded).littlesLaw.residual < -0.4);
});
