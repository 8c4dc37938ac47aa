import assert from "node:assert/strict";
import type { OmnispanError } from "../../core/errors.ts";
import { EventStream } from "./event_stream.ts";

const LONG_MS = 1_000_000;

interface Gone {
  why: OmnispanError | undefined;
  hungUp: boolean;
}

function streamOf(limitBytes = 100_000, aliveMs = LONG_MS): { stream: EventStream; gone: Gone } {
  const gone: Gone = { why: undefined, hungUp: false };
  const stream = new EventStream(
    (text, index) => JSON.stringify(index === 0 ? { text } : { text, index }),
    limitBytes,
    (why) => gone.why = why,
    () => gone.hungUp = true,
    aliveMs,
  );
  return { stream, gone };
}

function textOf(stream: EventStream): Promise<string> {
  return new Response(stream.body).text();
}

Deno.test("each text is an event, then come the last ones", async () => {
  const { stream, gone } = streamOf();
  const text = textOf(stream);
  stream.push("a");
  stream.push("b");
  stream.end(["last", "[DONE]"]);
  assert.equal(
    await text,
    'data: {"text":"a"}\n\ndata: {"text":"b"}\n\ndata: last\n\ndata: [DONE]\n\n',
  );
  assert.deepEqual(gone, { why: undefined, hungUp: false });
});

Deno.test("what comes while the client is behind is joined into one event, nothing is lost", async () => {
  const { stream } = streamOf();
  const pieces = Array.from({ length: 3000 }, (_, i) => `${i} `.padEnd(20));
  for (const piece of pieces) stream.push(piece);
  stream.end(["[DONE]"]);
  const events = (await textOf(stream)).split("\n\n").filter(Boolean).map((event) =>
    event.slice("data: ".length)
  );
  assert.equal(events.pop(), "[DONE]");
  assert.ok(events.length < pieces.length / 2, `${events.length} events`);
  assert.equal(events.map((event) => JSON.parse(event).text).join(""), pieces.join(""));
});

Deno.test("texts of several indexes are joined each by itself, and events keep their place among them", async () => {
  const { stream } = streamOf(1_000_000);
  const pieces = Array.from({ length: 3000 }, (_, i) => `${i} `.padEnd(20));
  for (const piece of pieces) for (const index of [1, 2]) stream.push(piece, index);
  stream.say(["of 1"]);
  stream.push("more", 2);
  stream.end(["[DONE]"]);
  const events = (await textOf(stream)).split("\n\n").filter(Boolean).map((event) =>
    event.slice("data: ".length)
  );
  assert.deepEqual(events.slice(-2), ["of 1", "[DONE]"]);
  assert.ok(events.length < pieces.length, `${events.length} events`);
  const texts = events.slice(0, -2).map((event) => JSON.parse(event));
  for (const index of [1, 2]) {
    const text = texts.filter((one) => one.index === index).map(({ text }) => text).join("");
    assert.equal(text, pieces.join("") + (index === 2 ? "more" : ""));
  }
});

Deno.test("a client that lets too much gather is hung up on, told why, and gets nothing more", () => {
  const { stream, gone } = streamOf(40_000);
  for (let i = 0; i < 10_000 && !gone.hungUp; i++) stream.push("x".repeat(100));
  assert.equal(gone.hungUp, true);
  assert.equal(gone.why?.code, "resource_exhausted");
  assert.match(gone.why!.message, /does not read its stream: \d+ bytes wait, STREAM_BUFFER_BYTES is 40000/);
  stream.push("late");
  stream.end(["late"]);
});

Deno.test("a client that leaves is heard once", async () => {
  const { stream, gone } = streamOf();
  stream.push("a");
  await stream.body.cancel();
  assert.equal(gone.why?.code, "cancelled");
  assert.equal(gone.hungUp, false);
  stream.push("b");
  stream.end([]);
});

Deno.test("while nothing comes the client hears that it is still waiting", async () => {
  const { stream } = streamOf(100_000, 5);
  const reader = stream.body.getReader();
  const { value } = await reader.read();
  assert.equal(new TextDecoder().decode(value), ": waiting\n\n");
  stream.end([]);
  await reader.cancel();
});

Deno.test("a stream that never became a response is used for nothing", () => {
  const { stream, gone } = streamOf();
  assert.equal(stream.used, false);
  stream.abandon();
  stream.push("x");
  assert.equal(gone.why, undefined);
});
