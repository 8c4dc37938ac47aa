import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import assert from "node:assert/strict";
import { erlangC, mean, waitOfMD1, waitOfMM1, waitOfMMc, waitsOf } from "./queueing.ts";

Deno.test("the formulas have the values of textbooks", () => {
  assert.ok(Math.abs(erlangC(1, 0.6) - 0.6) < 1e-12, "one server: the wait's probability is rho");
  assert.ok(Math.abs(erlangC(2, 1) - 1 / 3) < 1e-12);
  assert.ok(Math.abs(waitOfMM1(0.05, 10) - 10) < 1e-12, "rho S / (1 - rho) at rho 0.5");
  assert.ok(Math.abs(waitOfMD1(0.05, 10) - 5) < 1e-12, "half of it");
});

Deno.test("on a long path the recursion has the mean waits of the formulas", () => {
  const random = xoroshiro128plus(1);
  const exponential = (mean: number) => -mean * Math.log(1 - uniformFloat64(random));
  let at = 0;
  const arrivals = Array.from({ length: 400_000 }, () => at += exponential(10));
  const services = arrivals.map(() => exponential(21));
  const close = (measured: number, expected: number) =>
    assert.ok(Math.abs(measured / expected - 1) < 0.03, `${measured} is not ${expected}`);
  close(mean(waitsOf(arrivals, () => 7)), waitOfMD1(0.1, 7));
  close(mean(waitsOf(arrivals, (customer) => services[customer] ?? 0, 3)), waitOfMMc(3, 0.1, 21));
});
