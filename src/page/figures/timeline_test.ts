import assert from "node:assert/strict";
import fc from "fast-check";
import { batchOf } from "../../../tests/support/live_fixture.ts";
import { ROW_HEIGHT, tickSteps, timelineOf } from "./timeline.ts";

/** Of the boxes of a path: left, top, right, bottom. */
function boxes(path: string): number[][] {
  return [...path.matchAll(/M([\d.-]+) ([\d.-]+)H([\d.-]+)V([\d.-]+)H/g)].map((box) =>
    box.slice(1).map(Number)
  );
}

Deno.test("on the clock a member's bar goes from its arrival to the leaving, and the run from there to its end", () => {
  const batch = batchOf(1, { leftAt: 1400, endedAt: 1800, waitsMs: [400, 100], capacity: 2 });
  const { rows: [row] } = timelineOf([batch], 2000, 1000, "clock");
  assert.equal(row?.leftX, 400);
  assert.deepEqual(boxes(row.waitPath), [[0, 2, 400, 8], [300, 9, 400, 15]]);
  assert.deepEqual(boxes(row.runPath), [[400, 2, 800, 16]]);
});

Deno.test("what still runs goes on until now", () => {
  const batch = batchOf(1, { leftAt: 1000, waitsMs: [1000] });
  const { rows: [row] } = timelineOf([batch], 2000, 100, "clock");
  assert.deepEqual(boxes(row?.runPath ?? "").map(([left, , right]) => [left, right]), [[50, 100]]);
});

Deno.test("a batch is as high as it is full, and never too thin to see", () => {
  const height = (size: number, capacity: number) => {
    const batch = batchOf(1, { leftAt: 10, endedAt: 20, waitsMs: Array(size).fill(10), capacity });
    const [[, top = 0, , bottom = 0] = []] = boxes(
      timelineOf([batch], 20, 100, "clock").rows[0]?.runPath ?? "",
    );
    return bottom - top;
  };
  assert.deepEqual([height(8, 8), height(4, 8), height(1, 64), height(3, 0)], [14, 7, 2, 14]);
});

Deno.test("aligned batches leave at one place, the longest wait and the longest run fill the sides", () => {
  const batches = [
    batchOf(1, { leftAt: 1000, endedAt: 3000, waitsMs: [20] }),
    batchOf(2, { leftAt: 5000, endedAt: 6000, waitsMs: [5] }),
  ];
  const { rows } = timelineOf(batches, 6000, 1000, "aligned");
  assert.deepEqual(rows.map(({ leftX }) => leftX), [500, 500]);
  assert.deepEqual(rows.map(({ waitPath }) => boxes(waitPath)[0]?.[0]), [0, 375]);
  assert.deepEqual(rows.map(({ runPath }) => boxes(runPath)[0]?.[2]), [1000, 750]);
});

Deno.test("nothing is drawn out of its track, whatever the batches are", () => {
  const batch = fc.record({
    leftAt: fc.integer({ min: 0, max: 100_000 }),
    ranMs: fc.option(fc.nat(50_000)),
    capacity: fc.nat(64),
    waitsMs: fc.array(fc.double({ min: 0, max: 30_000, noNaN: true }), { minLength: 1, maxLength: 64 }),
  });
  const view = fc.constantFrom("clock" as const, "aligned" as const);
  fc.assert(
    fc.property(
      fc.array(batch, { maxLength: 20 }),
      fc.integer({ min: 60, max: 1500 }),
      view,
      (all, width, how) => {
        const batches = all.map(({ leftAt, ranMs, ...rest }, id) =>
          batchOf(id, { leftAt, endedAt: ranMs === null ? null : leftAt + ranMs, ...rest })
        );
        const now = Math.max(0, ...batches.map(({ leftAt, endedAt }) => endedAt ?? leftAt));
        const { rows, ticks } = timelineOf(batches, now, width, how);
        assert.equal(rows.length, batches.length);
        for (
          const [left = 0, top = 0, right = 0, bottom = 0] of rows.flatMap((row) =>
            boxes(row.waitPath + row.runPath)
          )
        ) {
          assert.ok(left >= 0 && right <= width + 0.1 && left <= right, `${left} to ${right} of ${width}`);
          assert.ok(top >= 0 && bottom <= ROW_HEIGHT && top < bottom, `${top} to ${bottom}`);
        }
        assert.ok(ticks.every(({ x }) => x >= 0 && x <= width + 0.1));
      },
    ),
  );
});

Deno.test("an axis has round steps, and room for their labels", () => {
  assert.deepEqual(tickSteps(30_000, 600), [0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000]);
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1e7, noNaN: true }),
      fc.integer({ min: 1, max: 2000 }),
      (ms, width) => {
        const steps = tickSteps(ms, width);
        assert.ok(steps.length >= 1 && steps.length <= width / 90 + 2, `${steps.length} on ${width}`);
      },
    ),
  );
});
