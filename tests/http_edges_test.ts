/** The HTTP port under bad input, bad clients and a stop: raw sockets against a real engine and worker. */
import assert from "node:assert/strict";
import { httpEngineFor, ScriptedWorker, type TestEngine } from "./support/engine.ts";
import { LONG, siteTest as test } from "./support/http_site.ts";
import { RawHttp, type RawResponse } from "./support/raw_http.ts";
import { Serve } from "./support/serve.ts";
import { pause, waitUntil } from "./support/wait.ts";

const CHAT = "/v1/chat/completions";
const ASKED = { messages: [{ role: "user", content: "hi" }], max_tokens: 2 };
const ENDLESS = { ...ASKED, max_tokens: LONG };

interface Told {
  readonly status: number;
  readonly error: { message: string; type: string; param: string | null; code: string };
  readonly headers: Headers;
}

async function post(engine: TestEngine, body: BodyInit, headers: Record<string, string> = {}): Promise<Told> {
  const init = { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
  const response = await fetch(engine.url + CHAT, init);
  const { error } = await response.json();
  return { status: response.status, error, headers: response.headers };
}

test(
  "a body that is no JSON, no UTF-8 or no object is refused as that, and nothing of it is repeated",
  {},
  async ({ engine }) => {
    const wrong: [BodyInit, RegExp][] = [
      ["", /^the body must be JSON: it ends too early or is empty$/],
      [
        '{"messages": [{"role": "secret',
        /^the body must be JSON: it breaks at character \d+$|ends too early/,
      ],
      ['{"messages": secret}', /^the body must be JSON: it breaks at character \d+$|ends too early/],
      ["[]", /^the body must be an object, got an array of 0$/],
      ["null", /^the body must be an object, got null$/],
      ['"secret"', /^the body must be an object, got/],
      [new Uint8Array([0x22, 0xff, 0x22]), /^the body must be UTF-8$/],
      [
        '{"messages": "secret secret secret secret secret secret"}',
        /^messages must be an array of 1 to 2048, got a text of 41/,
      ],
      ['{"messages": [7]}', /^messages\[0\] must be an object, got 7$/],
      [
        '{"messages": [{"role": "boss", "content": "x"}]}',
        /^messages\[0\]\.role must be one of .*, got a text of 4 characters$/,
      ],
      ['{"messages": [{"role": "user", "content": 5}]}', /^messages\[0\]\.content must be .*, got 5$/],
      [
        '{"messages": [{"role": "user", "content": "x"}], "stream": "yes"}',
        /^stream must be true or false, got "yes"$/,
      ],
      ['{"messages": [{"role": "user", "content": "x"}], "stop": [5]}', /^stop/],
      ['{"messages": [{"role": "user", "content": "x"}], "__proto__": {"n": 2}}', /__proto__ is no field/],
    ];
    for (const [body, message] of wrong) {
      const { status, error } = await post(engine, body);
      assert.equal(status, 400, error.message);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("secret"), error.message);
    }
    assert.equal((await engine.stats()).acceptedRequests, 0);
  },
);

test("only JSON by its header, no made-up host, and paths and methods that exist", {}, async ({ engine }) => {
  const text = await post(engine, JSON.stringify(ASKED), { "content-type": "text/plain" });
  assert.equal(text.status, 400);
  assert.match(text.error.message, /content-type must be application\/json, got "text\/plain"/);
  const [host = ""] = engine.url.slice("http://".length).split("/");
  using raw = await RawHttp.open(host);
  const foreign = await raw.ask("GET", "/v1/models", { host: "evil.example" });
  assert.equal(foreign.status, 403);
  assert.match(
    foreign.body,
    /the header host must be one of localhost, 127\.0\.0\.1, \[::1\], got \\"evil.example\\"/,
  );
  const nowhere = await fetch(`${engine.url}/v1/embeddings`, { method: "POST", body: "{}" });
  assert.equal(nowhere.status, 404);
  assert.match((await nowhere.json()).error.message, /there is nothing at POST \/v1\/embeddings/);
  const method = await fetch(engine.url + CHAT);
  assert.equal(method.status, 405);
  assert.equal(method.headers.get("allow"), "POST, OPTIONS");
  await method.body?.cancel();
  for (const path of ["/v1/models", "/healthz", "/metrics", "/live", "/"]) {
    const posted = await fetch(engine.url + path, { method: "POST" });
    assert.equal(posted.headers.get("allow"), "GET, HEAD, OPTIONS", path);
    await posted.body?.cancel();
    const head = await fetch(engine.url + path, { method: "HEAD" });
    assert.equal(head.status, 200, path);
  }
});

/** What a new connection is answered that sends these bytes and then waits. */
async function sent(engine: TestEngine, bytes: string): Promise<RawResponse> {
  using raw = await RawHttp.open(engine.url.slice("http://".length));
  await raw.send(bytes);
  return await raw.response();
}

test(
  "health and readiness answer any client, whatever host it names or leaves out",
  {},
  async ({ engine }) => {
    for (const path of ["/healthz", "/health", "/readyz"]) {
      for (
        const rest of [
          "HTTP/1.0\r\n\r\n",
          "HTTP/1.0\r\nHost: engine.internal\r\n\r\n",
          "HTTP/1.1\r\n\r\n",
          "HTTP/1.1\r\nHost: \r\n\r\n",
          "HTTP/1.1\r\nHost: engine.internal:8080\r\n\r\n",
        ]
      ) {
        const { status, body } = await sent(engine, `GET ${path} ${rest}`);
        assert.deepEqual([status, body], [200, "ok\n"], path + rest);
      }
    }
    // HAProxy sends this by default.
    const { status, head } = await sent(engine, "OPTIONS / HTTP/1.0\r\n\r\n");
    assert.equal(status, 204);
    assert.match(head, /\nallow: get, head, options\r?\n?/);
    assert.doesNotMatch(head, /access-control/);
    assert.equal((await sent(engine, "GET /v1/models HTTP/1.0\r\n\r\n")).status, 200);
    const foreign = await sent(engine, "GET /v1/models HTTP/1.0\r\nHost: engine.internal\r\n\r\n");
    assert.equal(foreign.status, 403);
  },
);

test(
  "whatever is wrong with the bytes of a request, the answer has the error object",
  { HTTP_HEADER_BYTES: 4096 },
  async ({ engine }) => {
    const host = "Host: localhost\r\n";
    const wrong: [number, string][] = [
      [400, "garbage\r\n\r\n"],
      [400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
      [400, `FOO / HTTP/1.1\r\n${host}\r\n`],
      [400, `GET nowhere HTTP/1.1\r\n${host}\r\n`],
      [400, `GET /a\x01b HTTP/1.1\r\n${host}\r\n`],
      [400, `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
      [400, "GET /v1/models HTTP/1.1\r\n\r\n"],
      [400, `GET /healthz HTTP/1.1\r\n${host}Host: b\r\n\r\n`],
      [400, "GET /v1/models HTTP/1.1\r\nHost: two words\r\n\r\n"],
      [400, "GET /v1/models HTTP/1.1\r\nHost: you@localhost\r\n\r\n"],
      [400, `POST ${CHAT} HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n`],
      [400, `POST ${CHAT} HTTP/1.1\r\n${host}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}`],
      [405, `CONNECT a:1 HTTP/1.1\r\n${host}\r\n`],
      [405, `TRACE / HTTP/1.1\r\n${host}\r\n`],
      [404, `OPTIONS /nowhere HTTP/1.1\r\n${host}\r\n`],
      [417, `GET /v1/models HTTP/1.1\r\n${host}Expect: miracles\r\n\r\n`],
      [431, `GET /v1/models HTTP/1.1\r\n${host}x-large: ${"y".repeat(9000)}\r\n\r\n`],
    ];
    for (const [expected, bytes] of wrong) {
      const { status, head, body } = await sent(engine, bytes);
      assert.equal(status, expected, bytes.slice(0, 80));
      assert.match(head, /\ncontent-type: application\/json/, bytes.slice(0, 80));
      const { message, type } = JSON.parse(body).error;
      assert.equal(type, "invalid_request_error");
      assert.match(message, /\bmust\b|there is nothing at/);
    }
    assert.equal((await sent(engine, `GET /healthz HTTP/1.1\r\n${host}\r\n`)).status, 200);
  },
);

test(
  "a caller who is refused before the body was read gets connection: close, and can still read why",
  {},
  async ({ engine }) => {
    const host = engine.url.slice("http://".length);
    for (const [path, status] of [[CHAT, 400], ["/nowhere", 404]] as const) {
      using raw = await RawHttp.open(host);
      const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: text/plain\r\n`;
      await raw.send(`${head}Content-Length: 1000000\r\n\r\n${"x".repeat(200_000)}`);
      await raw.send("x".repeat(200_000)); // the refusal has been made meanwhile, and resets nothing
      const refused = await raw.response();
      assert.equal(refused.status, status);
      assert.match(refused.head, /\nconnection: close/);
      assert.match(refused.body, /"error"/);
      await raw.ended();
    }
    // Nor is the body read of a request that has no URL.
    using nowhere = await RawHttp.open(host);
    await nowhere.send(`POST ${CHAT} HTTP/1.1\r\nHost: two words\r\nContent-Length: 1000000\r\n\r\n{`);
    assert.match((await nowhere.response()).head, / 400 [^]*\nconnection: close/);
    await nowhere.ended();
    // What follows on the same connection is not taken.
    using twice = await RawHttp.open(host);
    const body = JSON.stringify(ENDLESS);
    const [bad, good] = ["text/plain", "application/json"].map((type) =>
      `POST ${CHAT} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nExpect: 100-continue\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`
    );
    await twice.send(bad!);
    assert.match((await twice.response()).body, /^HTTP\/1.1 400 [^]*"error"/); // after 100 Continue
    await twice.send(body + good + body);
    await twice.ended();
    await waitUntil(
      "the connection is closed both ways",
      () => twice.send("x").then(() => false, () => true),
    );
    assert.equal((await engine.stats()).acceptedRequests, 0);
    // A body that was read leaves the connection open.
    using kept = await RawHttp.open(host);
    const asked = { host, "content-type": "application/json", "content-length": "2" };
    for (let i = 0; i < 2; i++) {
      const { status, head } = await kept.ask("POST", CHAT, asked, "{}");
      assert.equal(status, 400);
      assert.doesNotMatch(head, /connection: close/);
    }
  },
);

test("no proxy holds back or changes a stream", {}, async ({ engine }) => {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ ...ASKED, stream: true });
  for (const [path, init] of [[CHAT, { method: "POST", headers, body }], ["/live", {}]] as const) {
    const stream = await fetch(engine.url + path, init);
    assert.equal(stream.headers.get("x-accel-buffering"), "no");
    assert.match(stream.headers.get("cache-control")!, /no-transform/);
    await stream.body!.cancel();
  }
});

test(
  "bodies beyond HTTP_BODY_BYTES are 413, announced or not; prompts beyond MAX_PROMPT_BYTES name their limit",
  {
    HTTP_BODY_BYTES: 20_000,
    MAX_PROMPT_BYTES: 10_000,
  },
  async ({ engine }) => {
    const huge = JSON.stringify({ messages: [{ role: "user", content: "x".repeat(30_000) }] });
    const announced = await post(engine, huge);
    assert.equal(announced.status, 413);
    assert.match(
      announced.error.message,
      /the body must be at most 20000 bytes \(HTTP_BODY_BYTES\), got 300/,
    );
    const chunked = await post(engine, new Blob([huge]).stream());
    assert.equal(chunked.status, 413);
    assert.match(chunked.error.message, /got more than 20000/);
    const prompt = await post(
      engine,
      JSON.stringify({ messages: [{ role: "user", content: "x".repeat(12_000) }] }),
    );
    assert.equal(prompt.status, 400);
    assert.equal(prompt.error.param, "messages");
    assert.match(
      prompt.error.message,
      /must be at most 10000 bytes of UTF-8 \(MAX_PROMPT_BYTES\), got 12004/,
    );
  },
);

test("a body that comes too slowly is 408, headers that are too large 431, and the engine serves on", {
  HTTP_BODY_TIMEOUT_MS: 300,
  HTTP_HEADER_BYTES: 4096,
}, async ({ engine }) => {
  const host = engine.url.slice("http://".length);
  using slow = await RawHttp.open(host);
  await slow.send(
    `POST ${CHAT} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"mess`,
  );
  const { status, body } = await slow.response();
  assert.equal(status, 408);
  assert.match(body, /the body must come within 300 ms \(HTTP_BODY_TIMEOUT_MS\)/);
  using large = await RawHttp.open(host);
  assert.equal((await large.ask("GET", "/healthz", { host, "x-large": "y".repeat(9000) })).status, 431);
  using fine = await RawHttp.open(host);
  assert.equal((await fine.ask("GET", "/healthz", { host })).status, 200);
});

test(
  "a dropped connection frees the row, however the request was cut into pieces",
  { profile: "fixed20" },
  async ({ engine }) => {
    const host = engine.url.slice("http://".length);
    const body = JSON.stringify(ENDLESS);
    const head =
      `POST ${CHAT} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    for (const pieces of [[head + body], [head, body], [head + body.slice(0, 9), body.slice(9)]]) {
      const raw = await RawHttp.open(host);
      for (const piece of pieces) {
        await raw.send(piece);
        await pause(30);
      }
      await waitUntil("it runs", async () => (await engine.stats()).load?.running === 1);
      raw[Symbol.dispose]();
      await engine.settled();
      await waitUntil("its row is free", async () => (await engine.stats()).load?.running === 0);
    }
    // Half a body, and gone: nothing was asked.
    const half = await RawHttp.open(host);
    await half.send(head + body.slice(0, 9));
    half[Symbol.dispose]();
    await pause(100);
    assert.equal((await engine.stats()).acceptedRequests, 3);
  },
);

test("a client that does not read its stream loses it, and its row is free; streams beside it come whole", {
  profile: "null",
  STREAM_BUFFER_BYTES: 8192,
  MAX_TOKENS_LIMIT: 1_000_000,
  ENGINE_MODE: "continuous",
}, async ({ engine }) => {
  const host = engine.url.slice("http://".length);
  const body = JSON.stringify({ ...ASKED, max_tokens: 1_000_000, stream: true });
  using unread = await RawHttp.open(host);
  await unread.send(
    `POST ${CHAT} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const beside = await fetch(engine.url + CHAT, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...ASKED, max_tokens: 500, stream: true }),
  });
  assert.match(await beside.text(), /data: \[DONE\]\n\n$/);
  await waitUntil("the unread stream was given up", async () => (await engine.stats()).inFlight === 0);
  const metrics = await (await fetch(`${engine.url}/metrics`)).text();
  assert.match(metrics, /omnispan_requests_total\{[^}]*status="resource_exhausted"[^}]*\} 1/);
});

test("MAX_CONNECTIONS limits the connections of both ports", { MAX_CONNECTIONS: 2 }, async ({ engine }) => {
  const host = engine.url.slice("http://".length);
  using first = await RawHttp.open(host);
  using second = await RawHttp.open(host);
  for (const raw of [first, second]) assert.equal((await raw.ask("GET", "/healthz", { host })).status, 200);
  using third = await RawHttp.open(host);
  await assert.rejects(third.ask("GET", "/healthz", { host }));
  first[Symbol.dispose]();
  await waitUntil("its place is free", async () => {
    using next = await RawHttp.open(host);
    return await next.ask("GET", "/healthz", { host }).then(({ status }) => status === 200, () => false);
  });
});

test("a wrong time-out header is refused by its name; HTTP_TIMEOUT_MS is the deadline of who names none", {
  profile: "fixed20",
  HTTP_TIMEOUT_MS: 200,
}, async ({ engine }) => {
  for (const value of ["0", "-1", "soon", "1e3", "86400001"]) {
    const { status, error } = await post(engine, JSON.stringify(ASKED), { "omnispan-timeout-ms": value });
    assert.equal(status, 400, value);
    assert.equal(error.param, "omnispan-timeout-ms");
  }
  assert.equal((await post(engine, JSON.stringify(ENDLESS))).status, 504);
});

Deno.test({
  name: "the status says how the worker failed",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using worker = new ScriptedWorker();
    await using engine = await httpEngineFor(await worker.address(), { WORKER_TRIES: 1 });
    await engine.connected();
    const statuses = {
      worker_runtime_error: 500,
      worker_internal_error: 500,
      worker_transport_error: 502,
      worker_resource_exhausted: 503,
      worker_timeout: 504,
    };
    for (const [failure, expected] of Object.entries(statuses)) {
      const body = { ...ASKED, messages: [{ role: "user", content: `status=${failure}` }] };
      const { status, error } = await post(engine, JSON.stringify(body));
      assert.deepEqual([status, error.code], [expected, failure]);
    }
  },
});

test(
  "health answers without a worker and readiness does not; the models list the worker's",
  {},
  async ({ worker, engine }) => {
    const get = async (path: string) => {
      const response = await fetch(engine.url + path);
      return [response.status, await response.text()] as const;
    };
    assert.deepEqual(await get("/healthz"), [200, "ok\n"]);
    assert.deepEqual(await get("/readyz"), [200, "ok\n"]);
    worker.kill("SIGKILL");
    await waitUntil("it is not ready", async () => (await get("/readyz"))[0] === 503);
    assert.match(JSON.parse((await get("/readyz"))[1]).error.message, /^the worker is down: /);
    // A page of another site could ask by a name of its own, and learns no address.
    const foreign = await sent(engine, "GET /readyz HTTP/1.0\r\nHost: evil.example\r\n\r\n");
    assert.equal(foreign.status, 503);
    assert.equal(JSON.parse(foreign.body).error.message, "the worker is down");
    assert.match(foreign.head, /\nretry-after: 1/);
    assert.equal((await get("/healthz"))[0], 200);
  },
);

Deno.test({
  name: "SIGTERM: readiness says so, new requests are 503, a running stream comes to its end",
  ignore: Deno.build.os === "windows",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using serve = await Serve.answering({ env: { ENGINE_MODE: "continuous", SIM_PROFILE: "fixed20" } });
    const url = await serve.httpUrl();
    const headers = { "content-type": "application/json" };
    const stream = await fetch(url + CHAT, {
      method: "POST",
      headers,
      body: JSON.stringify({ ...ASKED, max_tokens: 100, stream: true }),
    });
    serve.kill("SIGTERM");
    await serve.waitFor(/^serve: stopping/, 10_000, serve.stderr);
    await waitUntil("it is not ready", async () => (await fetch(`${url}/readyz`)).status === 503);
    const refused = await fetch(url + CHAT, { method: "POST", headers, body: JSON.stringify(ASKED) });
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.match((await refused.json()).error.message, /the engine is stopping/);
    assert.match(await stream.text(), /"finish_reason":"length"[\s\S]*data: \[DONE\]\n\n$/);
    assert.equal((await serve.exit()).code, 0);
  },
});

test("many small messages are refused before they are looked at; a stream beside them goes on", {
  profile: "fixed20",
}, async ({ engine }) => {
  const stream = await fetch(engine.url + CHAT, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...ASKED, max_tokens: 50, stream: true }),
  });
  const many = JSON.stringify({ ...ASKED, messages: Array(80_000).fill({ role: "x", content: "" }) });
  const { status, error } = await post(engine, many);
  assert.equal(status, 400);
  assert.match(error.message, /^the body must have at most 65536 arrays, objects and fields, got 24000\d$/);
  assert.match(await stream.text(), /data: \[DONE\]\n\n$/);
});

test(
  "HEAD asks for no events and leaves no listener; a coded body is refused by its header",
  {},
  async ({ engine }) => {
    for (let i = 0; i < 3; i++) {
      const head = await fetch(`${engine.url}/live`, { method: "HEAD", signal: AbortSignal.timeout(5000) });
      assert.equal(head.status, 200);
    }
    const coded = await post(engine, JSON.stringify(ASKED), { "content-encoding": "gzip" });
    assert.equal(coded.status, 400);
    assert.match(coded.error.message, /content-encoding must be identity, got "gzip"/);
  },
);
