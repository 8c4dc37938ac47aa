import assert from "node:assert/strict";
import { endOf, msAxis, rounded } from "./chart.ts";

Deno.test("an axis ends by itself as long as intervals are about as long as the values", () => {
  assert.deepEqual(endOf([{ value: 10, high: 12 }, { value: 3, high: 14 }]), {});
  assert.deepEqual(endOf([]), {});
  assert.deepEqual(endOf([{ value: 10, high: Infinity }, { value: Infinity, high: Infinity }]), {});
});

Deno.test("an interval far beyond all values does not make the picture", () => {
  assert.deepEqual(endOf([{ value: 10, high: 12 }, { value: 3, high: 8000 }]), { domainMax: 15 });
});

Deno.test("an axis is logarithmic where its ends are far apart, says so, and has round ticks", () => {
  assert.deepEqual(msAxis("TTFT", [30, 0, NaN, 900, Infinity]), {
    scale: { type: "log", nice: false },
    axis: { tickCount: 5, values: [50, 100, 200, 500] },
    title: "TTFT, ms (log scale)",
  });
  assert.equal(msAxis("TTFT", [30, 90]).title, "TTFT, ms");
  assert.equal(msAxis("TTFT", []).scale.type, "linear");
});

Deno.test("numbers keep four digits", () => {
  assert.deepEqual([123456, 0.000123456, 7].map(rounded), [123500, 0.0001235, 7]);
});
