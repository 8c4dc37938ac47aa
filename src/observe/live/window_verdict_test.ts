import assert from "node:assert/strict";
import { judgeWindow, type WindowFigures } from "./window_verdict.ts";

const NOTHING: WindowFigures = {
  windowBatches: 0,
  windowRequests: 0,
  fullBatches: 0,
  aloneBatches: 0,
  waiters: 0,
  waitedMs: 0,
  firstTokenMs: 0,
  aloneWaiters: 0,
  aloneWaitedMs: 0,
};

/** Batches of these sizes, each request of which waited so long of a time to the first token of 100 ms. */
function batches(sizes: readonly number[], waitedMs: number, full = 4): WindowFigures {
  const requests = sizes.reduce((sum, size) => sum + size, 0);
  const alone = sizes.filter((size) => size === 1).length;
  return {
    windowBatches: sizes.length,
    windowRequests: requests,
    fullBatches: sizes.filter((size) => size === full).length,
    aloneBatches: alone,
    waiters: requests,
    waitedMs: requests * waitedMs,
    firstTokenMs: requests * 100,
    aloneWaiters: alone,
    aloneWaitedMs: alone * waitedMs,
  };
}

function times(count: number, size: number): number[] {
  return new Array<number>(count).fill(size);
}

Deno.test("without a window, or with one of nothing, there is nothing to judge", () => {
  assert.equal(judgeWindow(10, false, NOTHING).verdict, "off");
  assert.equal(judgeWindow(0, true, batches(times(50, 2), 0)).verdict, "off");
});

Deno.test("requests that chose a mode with a window are judged in an engine without", () => {
  assert.equal(judgeWindow(10, false, batches(times(50, 4), 5)).verdict, "pays");
});

Deno.test("a few batches say nothing", () => {
  const { verdict, why } = judgeWindow(10, true, batches([1], 10));
  assert.equal(verdict, "idle");
  assert.equal(why, "Too few to tell: 1 batch in the last 60 s.");
});

Deno.test("a window that mostly lets one go alone costs", () => {
  const judged = judgeWindow(10, true, batches([...times(84, 1), ...times(16, 2)], 9.8));
  assert.equal(judged.verdict, "costs");
  assert.equal(
    judged.why,
    "The window costs: 84 % of the batches left alone after waiting it out; a request waited 9.80 ms for company that did not come.",
  );
  assert.equal(judged.aloneShare, 0.84);
  assert.equal(judged.meanSize, 1.16);
});

Deno.test("full batches pay, and so do those well above one", () => {
  const full = judgeWindow(10, true, batches(times(30, 4), 4));
  assert.equal(full.verdict, "pays");
  assert.equal(
    full.why,
    "The window pays: batches of 4.0 in the mean, 100 % left full; for that a request waited 4.00 ms, 4 % of its time to the first token.",
  );
  assert.equal(judgeWindow(10, true, batches(times(30, 2), 8)).verdict, "pays");
});

Deno.test("a mean well above one does not hide that most of the waiting was in vain", () => {
  const bursts = batches([...times(90, 1), ...times(10, 30)], 10, 32);
  assert.ok(judgeWindow(10, true, bursts).meanSize > 3);
  const filledAtOnce = { ...bursts, waitedMs: bursts.aloneWaitedMs + 300 * 1 };
  assert.equal(judgeWindow(10, true, filledAtOnce).verdict, "costs");
  assert.equal(judgeWindow(10, true, bursts).verdict, "pays");
});

Deno.test("a little company is not worth a wait", () => {
  const small = {
    ...batches([...times(60, 1), ...times(40, 2)], 10),
    aloneBatches: 0,
    aloneWaiters: 0,
    aloneWaitedMs: 0,
  };
  assert.equal(judgeWindow(10, true, small).verdict, "costs");
});

Deno.test("a wait that nobody feels is not held against the window", () => {
  const { verdict, why } = judgeWindow(10, true, batches(times(50, 1), 0.4));
  assert.equal(verdict, "pays");
  assert.match(why, /^The window costs next to nothing: a request waited 0\.40 ms, 0\.4 % of its time/);
});
