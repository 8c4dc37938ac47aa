import assert from "node:assert/strict";
import { lines, Tail } from "./child.ts";

function linesOf(...chunks: string[]): Promise<string[]> {
  return Array.fromAsync(lines(ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)))));
}

Deno.test("lines are put together across chunks and the last needs no end", async () => {
  assert.deepEqual(await linesOf("fir", "st\nsec", "ond\nthird"), ["first", "second", "third"]);
});

Deno.test("line ends of all systems count once, also when a chunk ends inside one", async () => {
  assert.deepEqual(await linesOf("a\r", "\nb\r\nc\n\n"), ["a", "b", "c"]);
});

Deno.test("each state of a progress bar is a line", async () => {
  assert.deepEqual(await linesOf("10 %\r20 %\r", "30 %\n"), ["10 %", "20 %", "30 %"]);
});

Deno.test("a line without an end can't fill the memory", async () => {
  const [line] = await linesOf(...Array.from({ length: 100 }, () => "x".repeat(1000)), "\n");
  assert.equal(line?.length, 16_384);
});

Deno.test("a tail keeps the newest lines", () => {
  const tail = new Tail(2);
  for (const line of ["a", "b", "c"]) tail.push(line);
  assert.deepEqual(tail.lines, ["b", "c"]);
});
