import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { cutToBytes } from "./utf8.ts";

Deno.test("a text is cut between characters, and no more than it must be", () => {
  assert.equal(cutToBytes("moon", 4), "moon");
  assert.equal(cutToBytes("éé", 3), "é");
  assert.equal(cutToBytes("🌙", 3), "");
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(40), (text, most) => {
    const cut = cutToBytes(text, most);
    assert.ok(text.startsWith(cut) && Buffer.byteLength(cut) <= most);
    const [next = ""] = text.slice(cut.length);
    assert.ok(next === "" || Buffer.byteLength(cut) + Buffer.byteLength(next) > most);
  }));
});
