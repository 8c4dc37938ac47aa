import assert from "node:assert/strict";
import fc from "fast-check";
import { EventReader, eventsOf, type SentEvent } from "./sse.ts";

const STREAM =
  ': hello\nevent: tick\r\ndata: {"a":\r\ndata:1}\r\n\r\ndata: größer\n\nevent: none\n\nid: 3\ndata\n\ndata: cut';
const EVENTS: SentEvent[] = [
  { name: "tick", data: '{"a":\n1}' },
  { name: "message", data: "größer" },
  { name: "message", data: "" },
];

Deno.test("events are the same wherever the text breaks, and one without its end is none", () => {
  fc.assert(fc.property(fc.array(fc.nat(STREAM.length)), (cuts) => {
    const reader = new EventReader();
    const ends = [...cuts.sort((a, b) => a - b), STREAM.length];
    const events = ends.flatMap((end, index) => reader.push(STREAM.slice(ends[index - 1] ?? 0, end)));
    assert.deepEqual(events, EVENTS);
  }));
});

Deno.test("a letter of two bytes may break between them", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  const pieces = ReadableStream.from([...bytes].map((byte) => Uint8Array.of(byte)));
  assert.deepEqual(await Array.fromAsync(eventsOf(pieces)), EVENTS);
});

Deno.test("who leaves early ends the connection", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
    cancel: () => {
      cancelled = true;
    },
  });
  for await (const _ of eventsOf(body)) break;
  assert.ok(cancelled);
});
