import assert from "node:assert/strict";
import fc from "fast-check";
import { percentile } from "../../percentile.ts";
import { SlidingPercentiles } from "./sliding_percentiles.ts";

const latencies = fc.array(fc.double({ min: 0.002, max: 1e7, noNaN: true }), {
  minLength: 1,
  maxLength: 300,
});

function assertWithin(values: readonly number[], sliding: SlidingPercentiles): void {
  const { p50, p95, p99 } = sliding.read();
  const sorted = values.toSorted((a, b) => a - b);
  for (const [told, percent] of [[p50, 50], [p95, 95], [p99, 99]] as const) {
    const right = percentile(sorted, percent);
    assert.ok(told !== null && Math.abs(told - right) <= right * 0.02000001, `${told} for ${right}`);
  }
}

Deno.test("percentiles are within 2 % of the exact ones", () => {
  fc.assert(fc.property(latencies, (values) => {
    const sliding = new SlidingPercentiles(3);
    for (const value of values) sliding.add(value);
    assertWithin(values, sliding);
  }));
});

Deno.test("only the last seconds count", () => {
  fc.assert(fc.property(fc.array(latencies, { minLength: 1, maxLength: 8 }), (seconds) => {
    const sliding = new SlidingPercentiles(3);
    for (const [at, values] of seconds.entries()) {
      if (at > 0) sliding.advance();
      for (const value of values) sliding.add(value);
    }
    assertWithin(seconds.slice(-3).flat(), sliding);
  }));
});

Deno.test("where nothing came there are no percentiles, also after something came", () => {
  const sliding = new SlidingPercentiles(2);
  const none = { p50: null, p95: null, p99: null };
  assert.deepEqual(sliding.read(), none);
  sliding.add(5);
  sliding.advance();
  sliding.advance();
  assert.deepEqual(sliding.read(), none);
});

Deno.test("what is out of all bounds counts at the nearest", () => {
  const sliding = new SlidingPercentiles(1);
  for (const odd of [-1, 0, Number.NaN]) sliding.add(odd);
  assert.equal(sliding.read().p99, 0.001);
  for (let i = 0; i < 10; i++) sliding.add(1e12);
  assert.ok(sliding.read().p99! >= 1e8 * 0.98);
});
