import assert from "node:assert/strict";
import fc from "fast-check";
import { FULL_BUCKET, givenBack, taken, waitMs } from "./minute_bucket.ts";

const START = Date.UTC(2026, 10, 28);

/** Milliseconds with the fraction that the clock's instants have. */
const gaps = fc.oneof(fc.nat(2_000), fc.nat(120_000), fc.nat(2 ** 24).map((n) => n / 4096));
const limits = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 10_000_000 }));

/** A minute's limit and requests that each ask for at most that much. */
const histories = limits.chain((perMinute) =>
  fc.record({
    perMinute: fc.constant(perMinute),
    requests: fc.array(
      fc.record({ gapMs: gaps, units: fc.oneof(fc.integer({ min: 1, max: perMinute }), fc.constant(1)) }),
      { minLength: 20, maxLength: 60 },
    ),
  })
);

Deno.test("in no stretch of time more is admitted than a minute's worth and what refills in it", () => {
  fc.assert(fc.property(histories, ({ perMinute, requests }) => {
    let now = START;
    let bucket = FULL_BUCKET;
    const admitted: { at: number; units: number }[] = [];
    for (const { gapMs, units } of requests) {
      now += gapMs;
      if (waitMs(bucket, units, perMinute, now) > 0) continue;
      bucket = taken(bucket, units, perMinute, now);
      admitted.push({ at: now, units });
      let sum = 0;
      for (const { at, units } of admitted.toReversed()) {
        sum += units;
        assert.ok(sum * 60_000 <= perMinute * (60_000 + now - at), `${sum} within ${now - at} ms`);
      }
    }
  }));
});

Deno.test("what is refused fits after the wait that it is told, and a millisecond earlier it does not", () => {
  let refused = 0;
  fc.assert(fc.property(histories, ({ perMinute, requests }) => {
    let now = START;
    let bucket = FULL_BUCKET;
    for (const { gapMs, units } of requests) {
      now += gapMs;
      const wait = waitMs(bucket, units, perMinute, now);
      assert.ok(Number.isInteger(wait) && wait >= 0 && wait <= 60_000, `waits ${wait} ms`);
      if (wait > 0) {
        refused++;
        assert.equal(waitMs(bucket, units, perMinute, now + wait), 0);
        assert.ok(waitMs(bucket, units, perMinute, now + wait - 1) > 0);
      } else bucket = taken(bucket, units, perMinute, now);
    }
  }));
  assert.ok(refused > 500, `${refused} were refused`);
});

Deno.test("what is given back can be taken again, and never makes more than a minute's worth", () => {
  fc.assert(fc.property(limits, gaps, fc.nat(1000), (perMinute, gapMs, more) => {
    const emptied = taken(FULL_BUCKET, perMinute, perMinute, START);
    const full = givenBack(emptied, perMinute + more);
    assert.equal(waitMs(givenBack(emptied, 1), 1, perMinute, START), 0);
    assert.equal(waitMs(full, perMinute, perMinute, START + gapMs), 0);
    assert.ok(waitMs(full, perMinute + 1, perMinute, START + gapMs) > 0);
  }));
});

Deno.test("an instant before the last one adds nothing, and its wait is counted from there", () => {
  const bucket = taken(FULL_BUCKET, 60, 60, START);
  assert.equal(waitMs(bucket, 1, 60, START), 1000);
  assert.equal(waitMs(bucket, 1, 60, START - 250), 1250);
  assert.equal(waitMs(taken(FULL_BUCKET, 59, 60, START), 1, 60, START - 250), 0);
  assert.deepEqual(taken(bucket, 1, 60, START - 250), taken(bucket, 1, 60, START));
});
