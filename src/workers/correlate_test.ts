import assert from "node:assert/strict";
import { type AddressedReply, failedReply } from "../core/types.ts";
import { correlate } from "./correlate.ts";

const SENT = [{ sequence: 7, wireId: "a#1" }, { sequence: 8, wireId: "b#2" }];

function reply(wireId: string, responseText = `for ${wireId}`): AddressedReply {
  return { ...failedReply("worker_internal_error", ""), status: "ok", wireId, responseText };
}

/** What each sequence was given. */
function given(received: readonly AddressedReply[]) {
  const { results, unknown } = correlate(SENT, received);
  return { bySequence: new Map(results.map(({ sequence, reply }) => [sequence, reply])), unknown };
}

Deno.test("replies in any order reach the ids they carry", () => {
  const { bySequence, unknown } = given([reply("b#2"), reply("a#1")]);
  assert.equal(bySequence.get(7)?.responseText, "for a#1");
  assert.equal(bySequence.get(8)?.responseText, "for b#2");
  assert.equal(unknown, 0);
});

Deno.test("an id without a reply fails and the others keep theirs", () => {
  const { bySequence } = given([reply("b#2")]);
  assert.equal(bySequence.get(7)?.status, "worker_internal_error");
  assert.match(bySequence.get(7)!.errorMessage, /left this request out/);
  assert.equal(bySequence.get(8)?.status, "ok");
});

Deno.test("an id with two replies gets neither text", () => {
  const { bySequence } = given([reply("a#1", "mine"), reply("a#1", "b's?"), reply("b#2")]);
  assert.equal(bySequence.get(7)?.status, "worker_internal_error");
  assert.equal(bySequence.get(7)?.responseText, "");
});

Deno.test("replies to ids that were not sent are counted and given to nobody", () => {
  const { bySequence, unknown } = given([reply("x#9"), reply("a#1"), reply("y#9"), reply("y#9")]);
  assert.equal(unknown, 2);
  assert.equal(bySequence.get(7)?.responseText, "for a#1");
});
