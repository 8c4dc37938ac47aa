import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { type Chunk, gaps, receive } from "./load_stream.ts";

Deno.test("the text, the tokens and the chunks of a stream are counted, and its last chunk is kept", async () => {
  const call = new EventEmitter();
  const received = receive(call as unknown as ClientReadableStream<Chunk>);
  call.emit("data", { textDelta: "one", tokens: 1, finished: false });
  call.emit("data", { textDelta: " two three", tokens: 2, finished: false });
  const last = { textDelta: "", tokens: 0, finished: true };
  call.emit("data", last);
  call.emit("end");
  const { text, tokensAt, chunks, error, ...rest } = await received;
  assert.deepEqual([text, tokensAt.length, chunks, error], ["one two three", 3, 2, undefined]);
  assert.equal(rest.last, last);
  assert.equal(gaps(tokensAt)[1], 0, "the tokens of one chunk come at once");
});

Deno.test("a chunk with text of a sender that counts no tokens is one", async () => {
  const call = new EventEmitter();
  const received = receive(call as unknown as ClientReadableStream<Chunk>);
  call.emit("data", { textDelta: "a", tokens: 0, finished: false });
  call.emit("data", { textDelta: "b", tokens: 0, finished: true });
  call.emit("end");
  assert.equal((await received).tokensAt.length, 2);
});

Deno.test("a stream that fails gives what came and why, and never rejects", async () => {
  const call = new EventEmitter();
  const received = receive(call as unknown as ClientReadableStream<Chunk>);
  call.emit("data", { textDelta: "a", tokens: 1, finished: false });
  const error = Object.assign(new Error(), { code: 8, details: "full" }) as ServiceError;
  call.emit("error", error);
  call.emit("end");
  const { tokensAt, last, error: told } = await received;
  assert.deepEqual([tokensAt.length, last, told], [1, undefined, error]);
});
