import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { omnispan } from "../../grpc/contract.ts";
import type { GenerateRequest } from "../../grpc/generated/omnispan/GenerateRequest.ts";
import { Survey } from "../../grpc/reading.ts";
import { checkedService, type Received } from "./message_parts.ts";

const MAX_PROMPT_BYTES = 256 * 1024;
const BYTES = 4 * 2 ** 20;
const { SubmitGenerate, SubmitGenerateStream } = checkedService({ MAX_PROMPT_BYTES });

function encoded(request: GenerateRequest): Buffer {
  return omnispan.Engine.service.SubmitGenerate.requestSerialize(request);
}

function received(bytes: Uint8Array): Received {
  return SubmitGenerateStream.requestDeserialize(Buffer.from(bytes));
}

Deno.test("fields and tokens are counted as they are, whatever their values", () => {
  const request = fc.record({
    prompt: fc.string(),
    maxTokens: fc.nat(),
    temperature: fc.double(),
    stop: fc.array(fc.string({ minLength: 1 }), { maxLength: 5 }),
    messages: fc.array(
      fc.record({ role: fc.string({ minLength: 1 }), content: fc.string({ minLength: 1 }) }),
    ),
    promptTokens: fc.array(fc.nat(2 ** 31 - 1)),
  });
  fc.assert(fc.property(request, (request) => {
    const { fields, numbers } = new Survey("omnispan.GenerateRequest", encoded(request));
    assert.equal(numbers, request.promptTokens.length);
    assert.equal(fields, 3 + request.stop.length + 3 * request.messages.length);
  }));
});

Deno.test("the largest request that is right is decoded as it is", () => {
  const request = {
    messages: Array(2048).fill({ role: "user", content: "x" }),
    stop: Array(16).fill("x"),
    temperature: 1,
  };
  const { refusal, messages, stop } = received(encoded(request));
  assert.deepEqual([refusal, messages.length, stop.length], [undefined, 2048, 16]);
  const promptTokens = Array.from({ length: MAX_PROMPT_BYTES / 4 }, (_, i) => i);
  assert.deepEqual(received(encoded({ promptTokens })).promptTokens, promptTokens);
});

function repeated(part: readonly number[]): Uint8Array {
  return new Uint8Array(Math.floor(BYTES / part.length) * part.length).map((_, at) =>
    part[at % part.length]!
  );
}

const tokens = encoded({ promptTokens: Array(BYTES / 2).fill(1) });
/** Requests that keep the decoder busy for long, for their size. */
const SHAPES: Readonly<Record<string, readonly [bytes: Uint8Array, rule: RegExp]>> = {
  "empty messages": [
    repeated([0xd2, 0x01, 0x00]),
    /^the request must have at most 8192 fields, got more$/,
  ],
  "empty stop texts": [repeated([0xc2, 0x01, 0x00]), /at most 8192 fields, got more$/],
  "fields of one message": [
    new Uint8Array([0xd2, 0x01, 0x80, 0x80, 0x80, 0x02, ...repeated([0x0a, 0x00])]),
    /at most 8192 fields, got more$/,
  ],
  "messages inside of a number": [
    new Uint8Array([0x22, 0x80, 0x80, 0x80, 0x02, ...repeated([0xd2, 0x01, 0x00])]),
    /^max_tokens must have the wire type 0, got 2$/,
  ],
  "messages behind a part of a message that nobody knows": [
    new Uint8Array([
      0xd2,
      0x01,
      0x07,
      0xd2,
      0x01,
      0x04,
      0x12,
      0xff,
      0xff,
      0x7f,
      ...repeated([0xd2, 0x01, 0x00]),
    ]),
    /at most 8192 fields, got more$/,
  ],
  "messages behind a group that nobody knows": [
    new Uint8Array([
      ...[0x93, 0x03, 0xd2, 0x01, 0x04, 0x12, 0xff, 0xff, 0x7f, 0x94, 0x03],
      ...repeated([0xd2, 0x01, 0x00]),
    ]),
    /at most 8192 fields, got more$/,
  ],
  "tokens": [tokens, /^prompt_tokens must be at most 262144 bytes, 4 for each token .*, got 2097152 tokens$/],
};

for (const [name, [bytes, rule]] of Object.entries(SHAPES)) {
  Deno.test(`a request of very many ${name} is refused in less time than it takes to decode`, () => {
    let began = performance.now();
    omnispan.Engine.service.SubmitGenerate.requestDeserialize(Buffer.from(bytes));
    const decodingMs = performance.now() - began;
    began = performance.now();
    const { refusal } = SubmitGenerate.requestDeserialize(Buffer.from(bytes)) as Received;
    const refusingMs = performance.now() - began;
    assert.match(refusal?.message ?? "", rule);
    assert.equal(refusal?.code, "invalid_argument");
    assert.ok(refusingMs < decodingMs, `${refusingMs} ms, and ${decodingMs} ms to decode it`);
  });
}

Deno.test("bytes that are no request are no message to the service either", () => {
  for (const bytes of [[0x0a, 0xff], [0xfc, 0x07], [0xd2, 0x01, 0x02, 0x0a, 0x05]]) {
    assert.throws(() => received(new Uint8Array(bytes)));
  }
});

Deno.test("a field of another wire type than the contract's is refused by its name", () => {
  const fault = (...bytes: number[]) => received(new Uint8Array(bytes)).refusal?.message;
  assert.equal(fault(0x19, 0, 0, 0, 0, 0, 0, 0, 0), "prompt must have the wire type 2, got 1");
  assert.equal(fault(0x89, 0x02, 0, 0, 0, 0, 0, 0, 0, 0), "prompt_tokens must have the wire type 0, got 1");
  assert.equal(fault(0xd2, 0x01, 0x02, 0x10, 0x00), "messages[0].content must have the wire type 2, got 0");
});

Deno.test("whatever bytes come, what is decoded has no more parts than were counted", () => {
  const part = fc.oneof(
    fc.uint8Array(),
    fc.constantFrom(0x0a, 0x12, 0x22, 0xd2, 0x89, 0x88, 0x8a, 0x01, 0x02, 0x93, 0x94, 0x03).map((byte) =>
      new Uint8Array([byte])
    ),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      const bytes = Buffer.concat(parts);
      try {
        const { fault, fields, numbers } = new Survey("omnispan.GenerateRequest", bytes);
        if (fault) return;
        const { messages, stop, promptTokens } = received(bytes);
        assert.ok(messages.length + stop.length <= fields);
        assert.ok(promptTokens.length <= numbers);
      } catch (thrown) {
        if (thrown instanceof assert.AssertionError) throw thrown; // else it is no message
      }
    }),
    { numRuns: 2000 },
  );
});
