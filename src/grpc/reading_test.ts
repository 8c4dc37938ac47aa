import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mangle, MANGLED } from "../../tests/support/scripted_session.ts";
import { omnispan } from "./contract.ts";
import type { GenerateRequest } from "./generated/omnispan/GenerateRequest.ts";
import type { WorkerEvent } from "./generated/omnispan/WorkerEvent.ts";
import { Survey } from "./reading.ts";

const { responseSerialize, responseDeserialize } = omnispan.Worker.service.Session;

function received(event: WorkerEvent) {
  return responseDeserialize(mangle(responseSerialize(event)));
}

Deno.test("what can't be read of a step is left out, and the rest of it stays", () => {
  const text = MANGLED;
  const { step } = received({
    step: {
      deltas: [{ sequence: 1, text: "one" }, { sequence: 2, text }, { sequence: 3, text: "three" }],
      results: [
        { sequence: 4, reply: { status: "ok" } },
        { sequence: 5, reply: { errorMessage: text, status: "ok" } },
      ],
    },
  });
  assert.deepEqual(step?.deltas.map(({ sequence, text }) => [sequence, text]), [[1, "one"], [3, "three"]]);
  assert.deepEqual(step?.results.map(({ sequence, reply }) => [sequence, reply?.status]), [[4, "ok"], [
    5,
    undefined,
  ]]);
});

Deno.test("bytes in which fields can't be separated are no message", () => {
  assert.throws(() => responseDeserialize(Buffer.from([0x9f, 0x01])));
  assert.throws(() => responseDeserialize(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff])));
});

Deno.test("a text that is no UTF-8 is found wherever it stands, and only there", () => {
  const { requestSerialize } = omnispan.Engine.service.SubmitGenerate;
  const find = (request: GenerateRequest) =>
    new Survey(
      "omnispan.GenerateRequest",
      requestSerialize(request).map((byte) => byte === 0x3f ? 0xff : byte),
    ).fault?.field;
  const many = Array.from({ length: 300 }, () => ({ role: "user", content: "é 日本 😀 \ufffd" }));
  assert.equal(find({ prompt: "x", seed: 5, temperature: 0.5, stop: ["é"], messages: many }), undefined);
  assert.equal(find({ stop: ["a", "?"], prompt: "x" }), "stop[1]");
  assert.equal(find({ messages: [...many, { role: "user", content: "?" }] }), "messages[300].content");
  assert.equal(find({ prompt: "a?", stop: ["?"] }), "prompt");
});
