import assert from "node:assert/strict";
import fc from "fast-check";
import {
  clipped,
  coloured,
  fitted,
  folded,
  lineWidth,
  plain,
  span,
  widthOf,
  withoutControls,
} from "./line.ts";

Deno.test("wide characters count two columns, marks none", () => {
  assert.deepEqual(["abc", "é", "e\u0301", "語", "한", "😀", "█░▁…"].map(widthOf), [3, 1, 1, 2, 2, 2, 4]);
});

Deno.test("a line that is too long ends with a dot sign within the width, and keeps its inks", () => {
  const line = [span("abc", "good"), span("語語語"), span("z")];
  assert.deepEqual(fitted(line, 10), line);
  assert.deepEqual(fitted(line, 7), [span("abc", "good"), span("語"), span("…")]);
  assert.deepEqual(fitted(line, 3), [span("ab", "good"), span("…")]);
  assert.deepEqual(fitted(line, 0), []);
  assert.equal(coloured(fitted(line, 3)), "\x1b[32mab\x1b[0m…");
  assert.equal(plain(line), "abc語語語z");
});

Deno.test("no text is wider than what it was cut or folded to", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(fc.property(text, fc.integer({ min: 0, max: 50 }), (text, width) => {
    assert.ok(lineWidth(fitted([span(text.slice(0, 5)), span(text)], width)) <= width);
    assert.ok(folded(text, width).every((line) => widthOf(line) <= width));
  }));
});

Deno.test("somebody else's text can't move the cursor or take a second line", () => {
  assert.equal(clipped("a\x1b[2J\r\n\tb\u202e\u0007c", 40), "a [2J b c");
  assert.equal(withoutControls("a\x1b[2J\n\tb\x9b\r"), "a[2J\n\tb");
});
