import assert from "node:assert/strict";
import { type AddressedReply, failedReply } from "../types.ts";
import { correlate, wireId } from "./correlate.ts";

function reply(wireId: string, responseText = `for ${wireId}`): AddressedReply {
  return { ...failedReply("worker_internal_error", ""), status: "ok", wireId, responseText };
}

Deno.test("replies in any order reach the ids they carry", () => {
  const { replyTo, unknown } = correlate(["a#1", "b#2"], [reply("b#2"), reply("a#1")]);
  assert.equal(replyTo("a#1").responseText, "for a#1");
  assert.equal(replyTo("b#2").responseText, "for b#2");
  assert.equal(unknown, 0);
});

Deno.test("an id without a reply fails and the others keep theirs", () => {
  const { replyTo } = correlate(["a#1", "b#2"], [reply("b#2")]);
  assert.equal(replyTo("a#1").status, "worker_internal_error");
  assert.match(replyTo("a#1").errorMessage, /left this request out/);
  assert.equal(replyTo("b#2").status, "ok");
});

Deno.test("an id with two replies gets neither text", () => {
  const { replyTo } = correlate(["a#1", "b#2"], [reply("a#1", "mine"), reply("a#1", "b's?"), reply("b#2")]);
  assert.equal(replyTo("a#1").status, "worker_internal_error");
  assert.equal(replyTo("a#1").responseText, "");
});

Deno.test("replies to ids that were not sent are counted and given to nobody", () => {
  const { replyTo, unknown } = correlate(["a#1"], [reply("x#9"), reply("a#1"), reply("y#9"), reply("y#9")]);
  assert.equal(unknown, 2);
  assert.equal(replyTo("a#1").responseText, "for a#1");
});

Deno.test("equal request ids of two callers differ on the wire, whatever they hold", () => {
  assert.notEqual(wireId("same", 1), wireId("same", 2));
  assert.notEqual(wireId("a#1", 2), wireId("a", 12));
});
