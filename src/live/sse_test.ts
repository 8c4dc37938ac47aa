import assert from "node:assert/strict";
import fc from "fast-check";
import { type SseEvent, sseEvents } from "./sse.ts";

Deno.test("fields, comments, lines of data, and all three line ends are read", async () => {
  assert.deepEqual(await parsed("event: tick\ndata: 1\n\n"), [{ event: "tick", data: "1" }]);
  assert.deepEqual(await parsed(": a comment\r\ndata:a\r\ndata: b\r\ndata:  c\r\n\r\n"), [
    { event: "message", data: "a\nb\n c" },
  ]);
  assert.deepEqual(await parsed("data\r\rid: 4\rdata: x\r\r"), [
    { event: "message", data: "" },
    { event: "message", data: "x" },
  ]);
  assert.deepEqual(
    await parsed("event: lost\n\ndata: y\n\n"),
    [{ event: "message", data: "y" }],
    "no data, no event",
  );
  assert.deepEqual(await parsed("datas: 1\nretry: 5\n\n"), []);
});

Deno.test("an event that the end cuts off is dropped", async () => {
  assert.deepEqual(await parsed("data: whole\n\ndata: cut\n"), [{ event: "message", data: "whole" }]);
});

Deno.test("wherever the bytes are split, the events are the same", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", ":", " ", "é", "語", "😀", "{", "\u{85}") });
  const events = fc.array(
    fc.record({ event: fc.constantFrom("hello", "tick"), data: fc.array(text, { minLength: 1 }) }),
  );
  const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
  await fc.assert(
    fc.asyncProperty(events, lineEnd, fc.array(fc.nat()), async (events, end, cuts) => {
      const wire = events.map(({ event, data }) =>
        [": comment", `event: ${event}`, ...data.map((line) => `data: ${line}`), "", ""].join(end)
      ).join("");
      const read = await Array.fromAsync(sseEvents(inPieces(new TextEncoder().encode(wire), cuts)));
      assert.deepEqual(read, events.map(({ event, data }) => ({ event, data: data.join("\n") })));
    }),
    { numRuns: 300 },
  );
});

Deno.test("who stops reading cancels the stream", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
    cancel: () => void (cancelled = true),
  });
  for await (const { data } of sseEvents(body)) {
    assert.equal(data, "1");
    break;
  }
  assert.ok(cancelled);
});

function parsed(text: string): Promise<SseEvent[]> {
  return Array.fromAsync(sseEvents(inPieces(new TextEncoder().encode(text), [])));
}

function inPieces(bytes: Uint8Array, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
  return ReadableStream.from(pieces);
}
