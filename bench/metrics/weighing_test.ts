import assert from "node:assert/strict";
import fc from "fast-check";
import { sampleOf } from "../../tests/support/bench/sample.ts";
import { percentile } from "../../src/percentile.ts";
import { distributionOf, rateOf, valuesOf } from "./weighing.ts";

const PERCENTS = [0, 50, 90, 95, 99, 100];

Deno.test("a resampling's mean and percentiles are those of the values written as often as their weights say", () => {
  const latency = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Infinity));
  const request = fc.record({
    values: fc.array(latency, { maxLength: 4 }),
    weight: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(fc.property(fc.array(request, { minLength: 1, maxLength: 12 }), (requests) => {
    const owned = requests.flatMap(({ values }, owner) => values.map((value) => ({ value, owner })));
    const values = {
      values: Float64Array.from(owned, ({ value }) => value),
      owners: Uint32Array.from(owned, ({ owner }) => owner),
    };
    const [mean, ...percentiles] = distributionOf(values, requests.length, PERCENTS)(
      Uint32Array.from(requests, ({ weight }) => weight),
    );
    const written = requests.flatMap(({ values, weight }) =>
      Array.from({ length: weight }, () => values).flat()
    )
      .sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
    assert.deepEqual(percentiles, PERCENTS.map((percent) => percentile(written, percent)));
    const expected = written.reduce((sum, value) => sum + value, 0) / written.length;
    assert.ok(Object.is(mean, expected) || Math.abs(mean! - expected) < 1e-9, `${mean} ${expected}`);
  }));
});

Deno.test("a latency that no success has isn't there, and failures don't make it", () => {
  const failed = sampleOf({ outcome: "failed" });
  assert.deepEqual([...valuesOf([sampleOf({}), failed], "ttft").values], []);
  assert.deepEqual([...valuesOf([sampleOf({ firstTextMs: 5 }), failed], "ttft").values], [5, Infinity]);
  assert.deepEqual([...valuesOf([sampleOf({}), failed], "e2e").values], [1000, Infinity]);
});

Deno.test("where all failed, what only streams have is infinite if they were streams, and else not there", () => {
  const inOnePiece = sampleOf({ outcome: "failed" });
  const stream = sampleOf({ outcome: "failed", arrivals: [] });
  for (const latency of ["ttft", "tpot", "itl"] as const) {
    assert.deepEqual([...valuesOf([inOnePiece, inOnePiece], latency).values], [], latency);
    assert.deepEqual([...valuesOf([stream, inOnePiece], latency).values], [Infinity, Infinity], latency);
  }
  for (const latency of ["e2e", "send_to_end", "queue"] as const) {
    assert.deepEqual([...valuesOf([inOnePiece], latency).values], [Infinity], latency);
  }
});

Deno.test("the time of the requests is together the measured time of the rounds, without the pause between them", () => {
  const requests = [
    sampleOf({ round: 0, intendedAt: 1000, endedAt: 4000 }),
    sampleOf({ round: 0, intendedAt: 2000, endedAt: 3000 }),
    sampleOf({ round: 1, intendedAt: 60_000, endedAt: 61_000 }),
  ];
  const rate = rateOf(requests, ({ outputTokens }) => outputTokens);
  assert.deepEqual(rate(Uint32Array.of(1, 1, 1)), [3 * 48 / 4]);
  assert.deepEqual(rate(Uint32Array.of(0, 2, 0)), [2 * 48 / 3], "two were in the system, and share its 3 s");
  assert.deepEqual(rate(Uint32Array.of(2, 0, 1)), [3 * 48 / 4]);
});

Deno.test("requests of a batch share the time that it took, also those that end last in it", () => {
  const batch = (from: number) =>
    [0, 1, 2, 3].map((index) => sampleOf({ index, intendedAt: from, endedAt: from + 400 }));
  const rate = rateOf([...batch(0), ...batch(400)], () => 1);
  for (const at of [0, 3, 5, 7]) {
    assert.deepEqual(rate(Uint32Array.from({ length: 8 }, (_, i) => i === at ? 1 : 0)), [10]);
  }
});
