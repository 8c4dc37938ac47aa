import assert from "node:assert/strict";
import { EventLoopLag } from "./event_loop_lag.ts";

/** So that timers which are due have come. */
function turns(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The thread does nothing else. */
function standStill(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

Deno.test("an event loop that stands still is late by what is left of it, and is told of once", async () => {
  using lag = new EventLoopLag({ everyMs: 10 });
  standStill(60);
  await turns(0);
  const [first] = lag.take();
  assert.ok(first! >= 50, `${first} ms`);
  assert.deepEqual(lag.take(), []);
});

Deno.test("each look counts, early is not late, and only the latest are remembered", async () => {
  using lag = new EventLoopLag({ everyMs: 1, most: 3 });
  standStill(200);
  for (let turn = 0; turn < 20; turn++) await turns(1);
  const lags = lag.take();
  assert.equal(lags.length, 3);
  assert.ok(lags.every((ms) => ms >= 0 && ms < 199), "the look that was late is the oldest, and gone");
});

Deno.test("one that is disposed looks no more", async () => {
  const lag = new EventLoopLag({ everyMs: 1 });
  lag[Symbol.dispose]();
  await turns(10);
  assert.deepEqual(lag.take(), []);
});
