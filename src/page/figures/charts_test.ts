import assert from "node:assert/strict";
import { bucketMs, CHARTS, columnsOf } from "./charts.ts";
import { pointAt } from "../../../tests/support/live_fixture.ts";

function seriesOf(id: string) {
  const chart = CHARTS.find((each) => each.id === id);
  assert.ok(chart);
  return chart.series;
}

Deno.test("points give a column for each series, from the range's beginning on", () => {
  const points = [1, 2, 3].map((second) => pointAt(second * 1000, { arrived: second, ended: 1, failed: 0 }));
  assert.deepEqual(columnsOf(points, seriesOf("rate"), 2000), [[2, 3], [2, 3], [1, 1], [0, 0]]);
});

Deno.test("no line leads over seconds that are missing", () => {
  const points = [1, 2, 9].map((second) => pointAt(second * 1000, { outputTokens: 5 }));
  assert.deepEqual(columnsOf(points, seriesOf("tokens"), 0), [[1, 2, 3, 9], [5, 5, null, 5]]);
});

Deno.test("longer ranges show means, of what is known", () => {
  const p50 = [10, null, 20, null, null, null, 40];
  const points = p50.map((value, index) =>
    pointAt((index + 1) * 1000, { ttft: { p50: value, p95: null, p99: null } })
  );
  const [times, first, second] = columnsOf(points, seriesOf("ttft"), 0, 5000);
  assert.deepEqual([times, first, second], [[5, 7], [15, 40], [null, null]]);
  assert.deepEqual([60_000, 300_000, 900_000].map(bucketMs), [1000, 1000, 5000]);
});

Deno.test("a line of means keeps its shape as the oldest points leave", () => {
  const points = Array.from(
    { length: 40 },
    (_, second) => pointAt(second * 1000, { outputTokens: second * second }),
  );
  const [, whole = []] = columnsOf(points, seriesOf("tokens"), 0, 5000);
  const [, later = []] = columnsOf(points, seriesOf("tokens"), 7000, 5000);
  assert.ok(later.length > 5);
  assert.deepEqual(later.slice(1), whole.slice(1 - later.length));
});

Deno.test("a second in which nothing left has no mean batch size", () => {
  const points = [pointAt(1000), pointAt(2000, { batches: 2, batchedRequests: 5 })];
  assert.deepEqual(columnsOf(points, seriesOf("batch"), 0), [[1, 2], [null, 2.5]]);
});
