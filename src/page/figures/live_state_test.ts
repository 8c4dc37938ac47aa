import assert from "node:assert/strict";
import { batchOf, helloOf, pointAt, tickOf } from "../../../tests/support/live_fixture.ts";
import { LiveState } from "./live_state.ts";

function seconds(from: number, to: number, fields = {}) {
  return Array.from({ length: to - from + 1 }, (_, index) => pointAt((from + index) * 1000, fields));
}

Deno.test("a second that is told twice is one point, with what was told last", () => {
  const state = new LiveState(helloOf(seconds(1, 3), tickOf(pointAt(3000))));
  state.apply(tickOf(pointAt(4000, { arrived: 1 })));
  state.apply(tickOf(pointAt(4000, { arrived: 2 })));
  assert.deepEqual(state.points.map(({ at, arrived }) => [at, arrived]), [
    [1000, 0],
    [2000, 0],
    [3000, 0],
    [4000, 2],
  ]);
});

Deno.test("history ends at 900 points and 60 batches, however long the page is open", () => {
  const state = new LiveState(helloOf(seconds(1, 900), tickOf(pointAt(900_000))));
  for (let second = 901; second <= 1000; second++) {
    state.apply(tickOf(pointAt(second * 1000), [batchOf(second)]));
  }
  assert.deepEqual([state.points.length, state.points[0]?.at], [900, 101_000]);
  const ids = state.latestBatches(100).map(({ id }) => id);
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [60, 1000, 941]);
});

Deno.test("a batch that is told again has its end, and keeps its place", () => {
  const state = new LiveState(helloOf([], tickOf(pointAt(1000)), [batchOf(1), batchOf(2)]));
  state.apply(tickOf(pointAt(2000), [batchOf(1, { endedAt: 1900 }), batchOf(3)]));
  assert.deepEqual(state.latestBatches(3).map(({ id, endedAt }) => [id, endedAt]), [[3, null], [2, null], [
    1,
    1900,
  ]]);
});

Deno.test("rates are means of the last five seconds, or of what there is", () => {
  const state = new LiveState(
    helloOf(seconds(1, 10, { arrived: 100 }), tickOf(pointAt(10_000, { arrived: 100 }))),
  );
  for (let second = 11; second <= 15; second++) {
    state.apply(tickOf(pointAt(second * 1000, { arrived: second % 2 })));
  }
  assert.equal(state.rates().arrived, 3 / 5);
  assert.equal(new LiveState(helloOf([], tickOf(pointAt(1000, { arrived: 7 })))).rates().arrived, 7);
});

Deno.test("the last minute is sixty seconds of time, also when seconds are missing", () => {
  const history = [...seconds(1, 30, { ended: 1, failed: 1 }), ...seconds(80, 100, { ended: 2 })];
  const state = new LiveState(helloOf(history, tickOf(pointAt(100_000, { ended: 2 }))));
  assert.deepEqual(state.lastMinute(), { ended: 42, failed: 0 });
});
