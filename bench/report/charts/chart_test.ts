import assert from "node:assert/strict";
import { endOf, msAxis, rounded, tip } from "./chart.ts";

Deno.test("an axis ends with the longest interval as long as that is about as long as the values", () => {
  assert.equal(endOf([{ value: 10, high: 12 }, { value: 3, high: 14 }]), 14);
  assert.equal(endOf([]), 0);
  assert.equal(endOf([{ value: 10, high: Infinity }, { value: Infinity, high: Infinity }]), 10);
});

Deno.test("an interval far beyond all values does not make the picture", () => {
  assert.equal(endOf([{ value: 10, high: 12 }, { value: 3, high: 8000 }]), 15);
});

Deno.test("an axis is logarithmic where its ends are far apart, says so, and has round ticks", () => {
  const { type, ticks, label } = msAxis("TTFT", [30, 0, NaN, 900, Infinity]);
  assert.deepEqual([type, ticks, label], ["log", [50, 100, 200, 500], "TTFT, ms (log scale)"]);
  assert.equal(msAxis("TTFT", [30, 90]).label, "TTFT, ms");
  assert.equal(msAxis("TTFT", []).type, "linear");
});

Deno.test("what stands at a mark has a line for each figure that is there, of four digits", () => {
  assert.equal(
    tip({ variant: "direct", "TTFT, ms": 12.3456, "95 % to": Infinity, "95 % from": NaN }),
    "variant: direct\nTTFT, ms: 12.35",
  );
});

Deno.test("numbers keep four digits", () => {
  assert.deepEqual([123456, 0.000123456, 7].map(rounded), [123500, 0.0001235, 7]);
});
