import assert from "node:assert/strict";
import { helloOf, pointAt, tickOf } from "../../../tests/support/live_fixture.ts";
import { follow, retryMs } from "./live_connection.ts";

const TICK = tickOf(pointAt(1000));
const HELLO = helloOf([], TICK);

Deno.test("a connection that ends is told and made again; hello and ticks come in their order", async () => {
  const heard = await followed(
    3,
    () =>
      sent(`event: hello\ndata: ${JSON.stringify(HELLO)}\n\nevent: tick\ndata: ${JSON.stringify(TICK)}\n\n`),
  );
  assert.deepEqual(heard, [
    "hello",
    "tick",
    "lost in 500: the engine ended the connection",
    "hello",
    "tick",
    "lost in 500: the engine ended the connection",
    "hello",
    "tick",
    "lost in 500: the engine ended the connection",
  ]);
});

Deno.test("silence on an open connection is a loss, too", async () => {
  const silent = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(": open\n\n")),
  });
  const heard = await followed(1, () => new Response(silent), 30);
  assert.deepEqual(heard, ["lost in 500: the engine has gone silent"]);
});

Deno.test("who wants a key is not asked again until there is one", async () => {
  const heard = await followed(
    1,
    () => Response.json({ error: { message: "no API key was given" } }, { status: 401 }),
  );
  assert.deepEqual(heard, ["refused with 401: no API key was given"]);
});

Deno.test("tries come less often up to one in five seconds", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 40].map(retryMs), [500, 1000, 2000, 4000, 5000, 5000]);
});

function sent(text: string): Response {
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

/** What a listener hears until the connection was lost so often, or the key was refused. */
async function followed(losses: number, handler: () => Response, silenceMs?: number): Promise<string[]> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
  const stop = new AbortController();
  const heard: string[] = [];
  let lost = 0;
  const url = `http://127.0.0.1:${server.addr.port}/live`;
  try {
    await follow(
      url,
      "",
      {
        hello: () => heard.push("hello"),
        tick: () => heard.push("tick"),
        refused: ({ status, message }) => heard.push(`refused with ${status}: ${message}`),
        lost(why, inMs) {
          heard.push(`lost in ${inMs}: ${why}`);
          lost += 1;
          if (lost === losses) stop.abort();
        },
      },
      AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]),
      silenceMs,
    );
  } finally {
    await server.shutdown();
  }
  return heard;
}
