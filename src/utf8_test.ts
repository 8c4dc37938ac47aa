import assert from "node:assert/strict";
import fc from "fast-check";
import { cutToBytes, utf8Bytes } from "./utf8.ts";

Deno.test("a text is cut between characters, and no more than it must be", () => {
  assert.equal(cutToBytes("moon", 4), "moon");
  assert.equal(cutToBytes("éé", 3), "é");
  assert.equal(cutToBytes("🌙", 3), "");
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, most) => {
    const cut = cutToBytes(text, most);
    assert.ok(text.startsWith(cut) && utf8Bytes(cut) <= most);
    const [next = ""] = text.slice(cut.length);
    assert.ok(next === "" || utf8Bytes(cut) + utf8Bytes(next) > most);
  }));
});
