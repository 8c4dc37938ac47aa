import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { now } from "../../src/clock.ts";
import { type Chunk, countTokens, receive, tokenTimes } from "./stream.ts";

Deno.test("text and arrivals of a stream are kept, one arrival a chunk that brought tokens, and its last chunk", async () => {
  const { call, received } = reading();
  call.emit("data", { textDelta: "one", tokens: 1, finished: false });
  call.emit("data", { textDelta: " two three", tokens: 2, finished: false });
  const last = { textDelta: "", tokens: 0, finished: true };
  call.emit("data", last);
  call.emit("end");
  const { text, arrivals, error, ...rest } = await received;
  assert.deepEqual([text, arrivals.map(([, tokens]) => tokens), error], ["one two three", [1, 2], undefined]);
  assert.equal(rest.last, last);
  assert.equal(countTokens(arrivals), 3);
  const [first, second, third] = tokenTimes(arrivals);
  assert.equal(second, third, "the tokens of one chunk come at once");
  assert.ok(first! <= second!);
});

Deno.test("times count from the start that the reader gives, the first text from its first character", async () => {
  const { call, received } = reading(now() - 500);
  call.emit("data", { textDelta: "", tokens: 1, finished: false });
  const until = now() + 5;
  while (now() < until);
  call.emit("data", { textDelta: "a", tokens: 1, finished: true });
  call.emit("end");
  const { arrivals, firstTextMs } = await received;
  assert.equal(firstTextMs, arrivals[1]![0], "a token without text is no first text");
  assert.ok(arrivals[0]![0] >= 500 && arrivals[0]![0] < 1500);
  assert.ok(firstTextMs >= arrivals[0]![0] + 5);
});

Deno.test("a chunk with text of a sender that counts no tokens is one", async () => {
  const { call, received } = reading();
  call.emit("data", { textDelta: "a", tokens: 0, finished: false });
  call.emit("data", { textDelta: "b", tokens: 0, finished: true });
  call.emit("end");
  assert.equal(countTokens((await received).arrivals), 2);
});

Deno.test("a stream that fails gives what came and why, and never rejects", async () => {
  const { call, received } = reading();
  call.emit("data", { textDelta: "a", tokens: 1, finished: false });
  const error = Object.assign(new Error(), { code: 8, details: "full" }) as ServiceError;
  call.emit("error", error);
  call.emit("end");
  const { arrivals, last, error: told } = await received;
  assert.deepEqual([arrivals.length, last, told], [1, undefined, error]);
});

Deno.test("a stream without text has no first text", async () => {
  const { call, received } = reading();
  call.emit("data", { textDelta: "", tokens: 0, finished: true });
  call.emit("end");
  const { arrivals, firstTextMs } = await received;
  assert.deepEqual([arrivals, firstTextMs], [[], null]);
});

function reading(startedAt?: number) {
  const call = new EventEmitter();
  return { call, received: receive(call as unknown as ClientReadableStream<Chunk>, startedAt) };
}
