import assert from "node:assert/strict";
import { EngineClient, EngineError } from "./engine_client.ts";
import { eventStream, refused, TestEngine } from "../../tests/support/scripted_http_engine.ts";
import { followLive, type FollowOptions, type LiveEvent } from "./follow.ts";
import { helloAt, sse, tickAt } from "../../tests/support/live_events.ts";

/** Without an answer, and where the engine is busy, for one that was there once. */
const QUICK: FollowOptions = {
  firstPauseMs: 10,
  mayPass: ({ status = 500 }, hasConnected) => hasConnected && (status === 429 || status >= 500),
};

Deno.test("an engine that comes back is followed again, and meanwhile each failure is told", async () => {
  const answers = [
    () => eventStream([sse("hello", helloAt(3)), sse("tick", tickAt(4))]),
    () => refused(503, "the engine is stopping"),
    () => refused(429, "too many requests are under way"),
    () => eventStream([": comment\n\n", sse("news", {}), sse("hello", helloAt(1))]),
  ];
  await using engine = new TestEngine({
    "/live": () => answers.shift()?.() ?? refused(401, "the API key is not valid"),
  });
  const { events, thrown } = await followed(engine.url);
  assert.deepEqual(events.map((event) => event.kind === "lost" ? event.why : event.kind), [
    "hello",
    "tick",
    "it ended the connection",
    "503 Service Unavailable",
    "429 Too Many Requests",
    "hello",
    "it ended the connection",
  ]);
  assert.equal(thrown.message, "the engine refused (401 Unauthorized): the API key is not valid");
});

Deno.test("an engine that says nothing is lost, as one that is gone", async () => {
  const hangs = () =>
    eventStream((async function* () {
      yield sse("hello", helloAt(1));
      await stopped.promise;
    })());
  const stopped = Promise.withResolvers<void>();
  await using engine = new TestEngine({ "/live": hangs });
  using _stopping = { [Symbol.dispose]: () => stopped.resolve() };
  const stop = new AbortController();
  const kinds: string[] = [];
  const follow = async () => {
    for await (const event of followLive(http(engine.url), stop.signal, { ...QUICK, silenceMs: 300 })) {
      kinds.push(event.kind === "lost" ? event.why : event.kind);
      if (kinds.length === 3) stop.abort();
    }
  };
  await assert.rejects(follow, { name: "AbortError" });
  assert.deepEqual(kinds, ["hello", "it said nothing for 0.3 s", "hello"]);
});

Deno.test("a reader that waits for an engine follows it once it is there", async () => {
  const answers = [
    () => refused(503, "the engine is starting"),
    () => new Response("<html>"),
    () => eventStream([sse("hello", helloAt(1))]),
  ];
  await using engine = new TestEngine({ "/live": () => answers.shift()?.() ?? refused(401, "no key") });
  const waits = { ...QUICK, mayPass: ({ status }: EngineError) => status !== 401 };
  const kinds: string[] = [];
  const follow = async () => {
    for await (const { kind } of followLive(http(engine.url), AbortSignal.timeout(20_000), waits)) {
      kinds.push(kind);
    }
  };
  await assert.rejects(follow, { status: 401 });
  assert.deepEqual(kinds, ["lost", "lost", "hello", "lost"]);
});

Deno.test("what fails the first time is not tried again", async () => {
  const cases = [
    [() => refused(404, "no such path"), /^the engine refused \(404 Not Found\): no such path$/],
    [() => new Response("<html>"), /is no engine: its \/live is no event stream$/],
    [() => eventStream(["event: hello\ndata: {\n\n"]), /is no engine: its \/live gives no JSON$/],
    [() => eventStream([]), /ended the connection$/],
  ] as const;
  for (const [answer, told] of cases) {
    await using engine = new TestEngine({ "/live": answer });
    const { events, thrown } = await followed(engine.url);
    assert.deepEqual([events, engine.asked.length], [[], 1]);
    assert.match(thrown.message, told);
  }
});

/** Until it throws. */
async function followed(url: string): Promise<{ events: LiveEvent[]; thrown: EngineError }> {
  const events: LiveEvent[] = [];
  try {
    for await (const event of followLive(http(url), AbortSignal.timeout(20_000), QUICK)) events.push(event);
  } catch (thrown) {
    if (thrown instanceof EngineError) return { events, thrown };
    throw thrown;
  }
  return assert.fail("it ended well");
}

function http(url: string): EngineClient {
  return new EngineClient({ url, apiKey: () => undefined });
}
