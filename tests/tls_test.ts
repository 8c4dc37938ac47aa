/** TLS at both ports and on the way to the worker: real certificates, real processes. */
import { status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import OpenAI from "openai";
import type { Settings } from "../src/config/config.ts";
import { Certificates, OPENSSL } from "./support/certificates.ts";
import { hasCommand } from "./support/commands.ts";
import { engineFor, httpEngineFor, refusal, TestClient } from "./support/engine.ts";
import { RawHttp } from "./support/raw_http.ts";
import { throwAt } from "./support/raw_http2.ts";
import { runShellLine, Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

const CHAT = "/v1/chat/completions";
const ASKED = { messages: [{ role: "user" as const, content: "hi" }], max_tokens: 2 };

function test(name: string, fn: (certificates: Certificates) => Promise<void>, ignore = false): void {
  Deno.test({
    name,
    ignore: ignore || !OPENSSL,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using certificates = await Certificates.create();
      await fn(certificates);
    },
  });
}

/** As a client dials it: grpc-js on Deno takes no address for a TLS server's name. */
function byName(address: string): string {
  return address.replace("127.0.0.1", "localhost");
}

function fetchText(url: string, client: Deno.HttpClient, init: RequestInit = {}): Promise<string> {
  return fetch(url, { ...init, client }).then((response) => response.text());
}

/** An engine with this certificate at both ports, a client of each that believes it, and a worker. */
async function site(
  certificates: Certificates,
  name: string,
  believed: string,
  changes: Partial<Settings> = {},
) {
  await using parts = new AsyncDisposableStack();
  const worker = parts.use(await SimWorker.start());
  const engine = parts.use(
    await httpEngineFor(worker.address, { ...certificates.serving(name), ...changes }),
  );
  await engine.connected();
  const grpc = parts.use(new TestClient(byName(engine.engine.address), certificates.believing(believed)));
  const http = parts.use(certificates.httpClient(believed));
  const running = parts.move();
  const url = `https://${engine.engine.httpAddress}`;
  return { engine, grpc, http, url, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

for (const name of ["signed", "its own authority"] as const) {
  test(`both ports speak TLS with a certificate that is ${name}: calls, streams, a batch in one turn, openai, SSE`, async (certificates) => {
    const own = name !== "signed";
    await (own ? certificates.selfSign("server") : certificates.issue("server"));
    const changes = { ENGINE_MODE: "micro_batch", MAX_BATCH_SIZE: 32, BATCH_WINDOW_MS: 200 } as const;
    await using at = await site(certificates, "server", own ? "server" : "ca", changes);
    const prompts = Array.from({ length: 32 }, (_, i) => `question ${i}`);
    const replies = await Promise.all(prompts.map((prompt) => at.grpc.submit({ prompt, maxTokens: 5 })));
    assert.equal(new Set(replies.map(({ responseText }) => responseText)).size, 32);
    assert.ok(replies.some(({ dispatch }) => dispatch!.size > 1), "some shared a batch");
    const streams = prompts.map((prompt) => at.grpc.stream({ prompt, maxTokens: 5 }));
    for (const [i, stream] of streams.entries()) {
      await stream.last;
      assert.equal(stream.text, replies[i]!.responseText);
    }
    const openai = new OpenAI({
      baseURL: `${at.url}/v1`,
      apiKey: "none",
      maxRetries: 0,
      timeout: 20_000,
      fetchOptions: { client: at.http },
    });
    const whole = await openai.chat.completions.create({ model: "null", ...ASKED });
    let text = "";
    for await (
      const chunk of await openai.chat.completions.create({ model: "null", ...ASKED, stream: true })
    ) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    assert.equal(text, whole.choices[0]!.message.content);
    const page = await fetchText(`${at.url}/`, at.http);
    assert.match(page, /<!doctype html>/i);
  });
}

test("who does not believe the certificate, or dials another name, is not served; who does goes on", async (certificates) => {
  await certificates.issue("server");
  await certificates.issue("elsewhere", "ca", "subjectAltName=DNS:elsewhere.example");
  await using at = await site(certificates, "server", "ca");
  await using stranger = new TestClient(byName(at.engine.engine.address), certificates.believing("other"));
  const error = await refusal(stranger.submit({ prompt: "hi" }));
  assert.equal(error.code, Status.UNAVAILABLE);
  assert.match(error.details, /unable to verify the first certificate/);
  using doubting = certificates.httpClient("other");
  await assert.rejects(
    fetchText(`${at.url}/healthz`, doubting),
    (thrown: Error) => /UnknownIssuer/.test(String(thrown.cause)),
  );
  assert.equal((await at.grpc.submit({ prompt: "hi", maxTokens: 2 })).status, "ok");
  assert.equal(await fetchText(`${at.url}/healthz`, at.http), "ok\n");
  await using there = await site(certificates, "elsewhere", "ca");
  assert.match((await refusal(there.grpc.submit({ prompt: "hi" }))).details, /altnames/);
});

test("plaintext, garbage and half a handshake at a TLS port are turned away, and the engine goes on", async (certificates) => {
  await certificates.issue("server");
  await using at = await site(certificates, "server", "ca");
  const plain = await refusal(at.engine.submit({ prompt: "hi" }, { deadline: Date.now() + 3000 }));
  assert.ok([Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED].includes(plain.code), plain.message);
  const { address, httpAddress = "" } = at.engine.engine;
  const clientHello = Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
  for (const port of [address, httpAddress]) {
    for (
      const bytes of [
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        "\0".repeat(5000),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      ]
    ) {
      const { closed } = await throwAt(port, [new TextEncoder().encode(bytes)], 15_000);
      assert.ok(closed, `${JSON.stringify(bytes.slice(0, 9))} at ${port}`);
    }
    using half = await Deno.connect({ hostname: "127.0.0.1", port: Number(port.split(":")[1]) });
    await half.write(clientHello);
  }
  await assert.rejects(fetch(`http://${httpAddress}/healthz`));
  assert.equal((await at.grpc.submit({ prompt: "hi", maxTokens: 2 })).status, "ok");
  assert.equal(await fetchText(`${at.url}/healthz`, at.http), "ok\n");
});

test("over TLS too a dropped connection frees the row, at both ports", async (certificates) => {
  await certificates.issue("server");
  await using worker = await SimWorker.start({ profile: "fixed20" });
  await using engine = await httpEngineFor(worker.address, {
    ...certificates.serving("server"),
    MAX_TOKENS_LIMIT: 4000,
  });
  await engine.connected();
  const host = byName(engine.engine.httpAddress!);
  const running = () => engine.engine.scheduler.worker.load?.running;
  const body = JSON.stringify({ ...ASKED, max_tokens: 4000, stream: true });
  const head =
    `POST ${CHAT} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const raw = await RawHttp.open(host, [certificates.text("ca")]);
  await raw.send(head + body);
  await waitUntil("it runs", () => running() === 1);
  raw[Symbol.dispose]();
  await waitUntil("its row is free", () => running() === 0);
  await using leaving = new TestClient(byName(engine.engine.address), certificates.believing("ca"));
  const stream = leaving.stream({ prompt: "hi", maxTokens: 4000 });
  await waitUntil("it runs", () => running() === 1);
  leaving.client.close();
  stream.call.cancel();
  await waitUntil("its row is free", () => running() === 0);
});

test("over TLS too a client of HTTP that does not read loses its stream, and streams beside it come whole", async (certificates) => {
  await certificates.issue("server");
  await using at = await site(certificates, "server", "ca", {
    ENGINE_MODE: "continuous",
    STREAM_BUFFER_BYTES: 64 * 1024,
    MAX_TOKENS_LIMIT: 1_000_000,
  });
  const host = byName(at.engine.engine.httpAddress!);
  const json = "content-type: application/json";
  const body = JSON.stringify({ ...ASKED, max_tokens: 1_000_000, stream: true });
  using unread = await RawHttp.open(host, [certificates.text("ca")]);
  await unread.send(
    `POST ${CHAT} HTTP/1.1\r\nhost: ${host}\r\n${json}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const beside = await fetchText(at.url + CHAT, at.http, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...ASKED, max_tokens: 500, stream: true }),
  });
  assert.match(beside, /data: \[DONE\]\n\n$/);
  await waitUntil("the unread stream was given up", async () => (await at.grpc.stats()).inFlight === 0);
  const metrics = await fetchText(`${at.url}/metrics`, at.http);
  assert.match(metrics, /omnispan_requests_total\{[^}]*status="resource_exhausted"[^}]*\} 1/);
});

test("SIGTERM ends an engine with TLS while silent and idle connections are open", async (certificates) => {
  await certificates.issue("server");
  await using worker = await SimWorker.start();
  await using serve = new Serve({
    env: { ...certificates.serving("server"), WORKER_ENDPOINT: worker.address },
  });
  const address = await serve.address();
  const url = await serve.httpUrl();
  using http = certificates.httpClient("ca");
  await using client = new TestClient(byName(address), certificates.believing("ca"));
  assert.equal((await client.submit({ prompt: "hi", maxTokens: 2 })).status, "ok");
  assert.equal(await fetchText(`${url}/readyz`, http), "ok\n");
  const ports = [address, url].map((where) => Number(/:(\d+)$/.exec(where)![1]));
  const silent = await Promise.all(ports.map((port) => Deno.connect({ hostname: "127.0.0.1", port })));
  serve.kill("SIGTERM");
  assert.equal((await serve.exit(8000)).code, 0);
  for (const connection of silent) connection.close();
}, Deno.build.os === "windows");

test(
  "the printed curl and grpcurl lines work as pasted with a certificate that signs itself, else with the hint",
  async (certificates) => {
    await Promise.all([certificates.selfSign("it's mine"), certificates.issue("signed")]);
    await using worker = await SimWorker.start();
    for (const name of ["it's mine", "signed"]) {
      await using serve = new Serve({
        env: { ...certificates.serving(name), WORKER_ENDPOINT: worker.address },
      });
      await serve.address();
      const pasted = serve.stdout.filter((line) => /^ +(curl|grpcurl) /.test(line));
      assert.equal(pasted.length, 3, serve.output());
      const hint = /curl --cacert FILE, grpcurl -cacert FILE/.test(serve.output());
      assert.equal(hint, name === "signed");
      for (const line of pasted) {
        const believing = hint
          ? line.replace(
            /curl /,
            (curl) => `${curl}${line.includes("grpcurl") ? "-" : "--"}cacert ${certificates.cert("ca")} `,
          )
          : line;
        assert.match(await runShellLine(believing), /"status": "ok"|"finish_reason":"length"/);
      }
    }
  },
  !(hasCommand("curl") && hasCommand("grpcurl")),
);

test("the printed lines dial a host whose name the certificate bears", async (certificates) => {
  await certificates.issue(
    "named",
    "ca",
    "subjectAltName=DNS:*.example,DNS:engine.example,DNS:other.example",
  );
  await using worker = await SimWorker.start();
  await using serve = new Serve({
    env: { ...certificates.serving("named"), WORKER_ENDPOINT: worker.address },
  });
  await serve.address();
  const lines = serve.stdout.filter((line) => /^ +(curl|grpcurl) |^See it/.test(line));
  assert.equal(lines.length, 4);
  for (const line of lines) assert.match(line, /\bengine\.example:\d+/);
});

/** What became of an engine whose worker is at `endpoint`: the worker's state and why, and a request's status. */
async function linked(endpoint: string, settings: Partial<Settings>, expected: "up" | RegExp): Promise<void> {
  await using engine = await engineFor(endpoint, settings);
  const why = () => engine.engine.scheduler.worker.detail;
  if (expected === "up") await engine.connected();
  else await waitUntil(`the worker is down with ${expected}`, () => expected.test(why()));
  const reply = await engine.submit({ prompt: "hi", maxTokens: 2 });
  if (expected === "up") return assert.equal(reply.status, "ok");
  assert.equal(reply.status, "worker_unavailable");
  assert.match(reply.errorMessage, expected);
}

function workerTls(certificates: Certificates, name: string, more: Record<string, string> = {}) {
  return SimWorker.start({
    env: { WORKER_TLS_CERT: certificates.cert(name), WORKER_TLS_KEY: certificates.key(name), ...more },
  });
}

test("a worker over TLS is used when its certificate is believed; else it stays down, and the log says why", async (certificates) => {
  await certificates.issue("server");
  await using worker = await workerTls(certificates, "server");
  const endpoint = `https://${worker.address}`;
  await linked(endpoint, { WORKER_TLS_CA: certificates.cert("ca") }, "up");
  await linked(byName(endpoint), { WORKER_TLS_CA: certificates.cert("ca") }, "up");
  await linked(
    endpoint,
    { WORKER_TLS_CA: certificates.cert("other") },
    /^.*no TLS with https:\/\/127.*unable to verify/,
  );
  await linked(endpoint, {}, /no TLS with https:.*unable to verify/);
  await linked(`http://${worker.address}`, { WORKER_SILENCE_MS: 1500 }, /nothing answers at http:/);
  await using plain = await SimWorker.start();
  await linked(`https://${plain.address}`, { WORKER_TLS_CA: certificates.cert("ca") }, /no TLS with https:/);
});

test("a worker's certificate may be its own authority, and must bear the name it is dialled by", async (certificates) => {
  await certificates.selfSign("self");
  await certificates.issue("elsewhere", "ca", "subjectAltName=DNS:elsewhere.example");
  await using self = await workerTls(certificates, "self");
  await linked(`https://${self.address}`, { WORKER_TLS_CA: certificates.cert("self") }, "up");
  await using elsewhere = await workerTls(certificates, "elsewhere");
  await linked(
    `https://${elsewhere.address}`,
    { WORKER_TLS_CA: certificates.cert("ca") },
    /no TLS with.*127\.0\.0\.1/,
  );
});

test("a worker that asks for the engine's certificate is used with one that it believes, and reports others", async (certificates) => {
  await Promise.all([certificates.issue("server"), certificates.selfSign("stranger")]);
  await certificates.issue("engine", "other", "subjectAltName=DNS:engine.example");
  await using worker = await workerTls(certificates, "server", {
    WORKER_TLS_CLIENT_CA: certificates.cert("other"),
  });
  const endpoint = `https://${worker.address}`;
  const ca = { WORKER_TLS_CA: certificates.cert("ca") };
  const as = (name: string) => ({
    ...ca,
    WORKER_TLS_CLIENT_CERT: certificates.cert(name),
    WORKER_TLS_CLIENT_KEY: certificates.key(name),
  });
  await linked(endpoint, as("engine"), "up");
  for (const settings of [ca, as("stranger")]) {
    await linked(
      endpoint,
      settings,
      /it may want a certificate of the engine that it believes \(WORKER_TLS_CLIENT_CERT\)/,
    );
  }
});

test("an engine that waits for its worker over TLS finds it when it comes, and again after it was killed", async (certificates) => {
  await certificates.issue("server");
  const env = { WORKER_TLS_CERT: certificates.cert("server"), WORKER_TLS_KEY: certificates.key("server") };
  let worker = await SimWorker.start({ env });
  const port = Number(worker.address.split(":")[1]);
  await using engine = await engineFor(`https://${worker.address}`, {
    WORKER_TLS_CA: certificates.cert("ca"),
  });
  await engine.connected();
  for (let i = 0; i < 2; i++) {
    await worker[Symbol.asyncDispose]();
    await waitUntil("it is gone", () => engine.engine.scheduler.worker.state === "down");
    const waiting = engine.submit({ prompt: "hi", maxTokens: 2 });
    worker = await SimWorker.start({ port, env });
    assert.equal((await waiting).status, "ok");
  }
  await worker[Symbol.asyncDispose]();
});

test("serve starts its own worker over TLS, also with a certificate on both sides", async (certificates) => {
  await Promise.all([certificates.selfSign("worker"), certificates.selfSign("engine")]);
  const oneSide = {
    WORKER_TLS_CA: certificates.cert("worker"),
    WORKER_TLS_CERT: certificates.cert("worker"),
    WORKER_TLS_KEY: certificates.key("worker"),
  };
  const bothSides = {
    ...oneSide,
    WORKER_TLS_CLIENT_CA: certificates.cert("engine"),
    WORKER_TLS_CLIENT_CERT: certificates.cert("engine"),
    WORKER_TLS_CLIENT_KEY: certificates.key("engine"),
  };
  for (const env of [oneSide, bothSides]) {
    await using serve = new Serve({ env });
    assert.equal((await serve.ask()).status, "ok");
  }
});

test("serve starts no worker of its own without a certificate for it to show, and needs none without TLS", async (certificates) => {
  await certificates.selfSign("worker");
  {
    await using serve = new Serve({ env: { WORKER_TLS_CA: certificates.cert("worker") } });
    assert.equal((await serve.exit()).code, 2);
    assert.equal(
      serve.stderr.at(-1),
      "WORKER_TLS_CERT and WORKER_TLS_KEY must be given with WORKER_TLS_CA: serve starts the worker itself",
    );
  }
  const unused = { WORKER_TLS_CERT: certificates.cert("worker"), WORKER_TLS_KEY: certificates.key("worker") };
  await using serve = new Serve({ env: unused });
  assert.equal((await serve.ask()).status, "ok");
});

test("files that can't be used end the start with 2 and one line that names the setting", async (certificates) => {
  await Promise.all([certificates.selfSign("server"), certificates.selfSign("client")]);
  await certificates.lock("server", "locked");
  await Deno.writeTextFile(certificates.cert("garbage"), "no PEM at all");
  const begin = "-----BEGIN CERTIFICATE-----\n";
  await Deno.writeTextFile(certificates.cert("broken"), `${begin}broken\n-----END CERTIFICATE-----\n`);
  await Deno.writeTextFile(certificates.cert("half"), certificates.text("ca") + certificates.text("broken"));
  const { cert, key } = {
    cert: (name: string) => certificates.cert(name),
    key: (name: string) => certificates.key(name),
  };
  const readable = (name: string, path: string) =>
    `${name} must be a file that can be read, got "${path}": No such file or directory`;
  const pem = (name: string, path: string, why: string) =>
    `${name} must be a file with a certificate in PEM, got "${path}": ${why}`;
  const endpoint = "https://127.0.0.1:1";
  const wrong: [Record<string, string>, string][] = [
    [{ TLS_CERT: cert("server") }, "TLS_CERT and TLS_KEY must be given together"],
    [{ TLS_KEY: key("server") }, "TLS_CERT and TLS_KEY must be given together"],
    [{ TLS_CERT: cert("absent"), TLS_KEY: key("server") }, readable("TLS_CERT", cert("absent"))],
    [{ TLS_CERT: cert("server"), TLS_KEY: key("absent") }, readable("TLS_KEY", key("absent"))],
    [
      { TLS_CERT: cert("garbage"), TLS_KEY: key("server") },
      pem("TLS_CERT", cert("garbage"), "which has none"),
    ],
    [{ TLS_CERT: key("server"), TLS_KEY: key("server") }, pem("TLS_CERT", key("server"), "which has none")],
    [
      { TLS_CERT: cert("broken"), TLS_KEY: key("server") },
      pem("TLS_CERT", cert("broken"), "its certificate can't be read"),
    ],
    [
      { TLS_CERT: cert("server"), TLS_KEY: cert("server") },
      `TLS_KEY must be a file with a private key in PEM, got "${cert("server")}": which has none`,
    ],
    [
      { TLS_CERT: cert("server"), TLS_KEY: key("client") },
      `TLS_KEY must be the private key of TLS_CERT "${cert("server")}", got "${
        key("client")
      }": which is the key of another certificate`,
    ],
    [
      { TLS_CERT: cert("server"), TLS_KEY: key("locked") },
      `TLS_KEY must be a private key without a passphrase, got "${key("locked")}"`,
    ],
    [{ WORKER_ENDPOINT: endpoint, WORKER_TLS_CA: cert("absent") }, readable("WORKER_TLS_CA", cert("absent"))],
    [
      { WORKER_ENDPOINT: endpoint, WORKER_TLS_CA: cert("half") },
      pem("WORKER_TLS_CA", cert("half"), "certificate 2 in it can't be read"),
    ],
    [
      { WORKER_ENDPOINT: "127.0.0.1:1", WORKER_TLS_CA: cert("ca") },
      "WORKER_ENDPOINT must be https:// with WORKER_TLS_CA, got http://127.0.0.1:1",
    ],
    [
      { WORKER_ENDPOINT: endpoint, WORKER_TLS_CLIENT_CERT: cert("client") },
      "WORKER_TLS_CLIENT_CERT and WORKER_TLS_CLIENT_KEY must be given together",
    ],
    [
      {
        WORKER_ENDPOINT: endpoint,
        WORKER_TLS_CLIENT_CERT: cert("client"),
        WORKER_TLS_CLIENT_KEY: key("server"),
      },
      `WORKER_TLS_CLIENT_KEY must be the private key of WORKER_TLS_CLIENT_CERT "${cert("client")}", got "${
        key("server")
      }": which is the key of another certificate`,
    ],
  ];
  for (const [env, line] of wrong) {
    await using serve = new Serve({ env });
    assert.equal((await serve.exit()).code, 2, serve.output());
    assert.deepEqual(serve.stderr, [line]);
  }
});

test("a worker of serve's own that refuses its certificate ends the start with 2 and its line", async (certificates) => {
  await Promise.all([certificates.selfSign("worker"), certificates.selfSign("other-key")]);
  await using serve = new Serve({
    env: {
      WORKER_TLS_CA: certificates.cert("worker"),
      WORKER_TLS_CERT: certificates.cert("worker"),
      WORKER_TLS_KEY: certificates.key("other-key"),
    },
  });
  assert.equal((await serve.exit()).code, 2);
  assert.match(
    serve.output(),
    /^the worker refused its settings: WORKER_TLS_KEY must be the private key of WORKER_TLS_CERT/m,
  );
});
