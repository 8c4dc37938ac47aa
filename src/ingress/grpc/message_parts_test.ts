import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { omnispan } from "../../grpc/contract.ts";
import type { GenerateRequest } from "../../grpc/generated/omnispan/GenerateRequest.ts";
import { boundedService, partsOf, type Received } from "./message_parts.ts";

const MAX_PROMPT_BYTES = 256 * 1024;
const BYTES = 4 * 2 ** 20;
const { SubmitGenerate, SubmitGenerateStream } = boundedService({ MAX_PROMPT_BYTES });

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
    const { fields, tokens } = partsOf(encoded(request));
    assert.equal(tokens, request.promptTokens.length);
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
    /^the request must have at most 8192 fields, got 1398101$/,
  ],
  "empty stop texts": [repeated([0xc2, 0x01, 0x00]), /at most 8192 fields, got 1398101$/],
  "fields of one message": [
    new Uint8Array([0xd2, 0x01, 0x80, 0x80, 0x80, 0x02, ...repeated([0x0a, 0x00])]),
    /at most 8192 fields, got 2097153$/,
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

Deno.test("bytes that are no request are the decoder's to refuse", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void partsOf(bytes)));
  assert.throws(() => received(new Uint8Array([0x0a, 0xff])));
});
