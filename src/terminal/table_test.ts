import assert from "node:assert/strict";
import { plain, span } from "./line.ts";
import { sparkline } from "./sparkline.ts";
import { type Column, tableLines } from "./table.ts";

const COLUMNS: readonly Column<[string, number]>[] = [
  { head: "name", importance: 3, cell: ([name]) => span(name) },
  { head: "n", align: "right", importance: 2, cell: ([, n]) => span(String(n)) },
  { head: "note", importance: 1, cell: ([name]) => span(`of ${name}`) },
];
const ROWS: [string, number][] = [["a", 1000], ["語語語", 2]];

Deno.test("columns are as wide as what is in them", () => {
  assert.deepEqual(tableLines(COLUMNS, ROWS, 80).map(plain), [
    "name       n  note",
    "a       1000  of a",
    "語語語     2  of 語語語",
  ]);
});

Deno.test("where the width is small the least important column goes first, and the last one is cut", () => {
  assert.deepEqual(tableLines(COLUMNS, ROWS, 20).map(plain), [
    "name       n",
    "a       1000",
    "語語語     2",
  ]);
  assert.deepEqual(tableLines(COLUMNS, ROWS, 5).map(plain), ["name…", "a   …", "語語…"]);
});

Deno.test("a sparkline ends with the newest sample, and seconds without a sample are blank", () => {
  const samples = [{ at: 4000, value: 0 }, { at: 5000, value: 1 }, { at: 7000, value: 100 }, {
    at: 8000,
    value: 50,
  }];
  assert.equal(sparkline(samples, 6, 1), " ▁▂ █▅");
  assert.equal(sparkline(samples, 2, 1), "█▅");
  assert.equal(sparkline([{ at: 1000, value: 0 }], 3, 1), "  ▁");
  assert.equal(sparkline([], 3, 1), "");
});

Deno.test("a sample stays in its cell while the line moves on", () => {
  const at = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, index) => ({ at: (from + index) * 1000, value: (from + index) % 4 }),
    );
  const first = sparkline(at(1, 41), 8, 5);
  assert.equal(sparkline(at(1, 46), 9, 5).slice(0, 8), first);
  assert.equal(sparkline(at(1, 43), 9, 5).slice(0, 8), first, "also while a cell is not full");
});
