/** Texts that the engine or the worker can't take: they are their caller's fault, and nobody else pays for them. */
import { configureSync, type LogRecord } from "@logtape/logtape";
import { Metadata, status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { omnispan } from "../src/grpc/contract.ts";
import type { GenerateReply__Output } from "../src/grpc/generated/omnispan/GenerateReply.ts";
import type { GenerateRequest } from "../src/grpc/generated/omnispan/GenerateRequest.ts";
import { refusal, type TestEngine } from "./support/engine.ts";
import { siteTest as test } from "./support/http_site.ts";
import { RawHttp } from "./support/raw_http.ts";
import { waitUntil } from "./support/wait.ts";

const CHAT = "/v1/chat/completions";
const COMPLETIONS = "/v1/completions";
const JSON_TYPE = { "content-type": "application/json" };
const HALF = "\ud83d";
const BAD_TEXT = /must be Unicode text, got half of a surrogate pair$/;

/** A stream that runs while others misbehave. */
function bystander(engine: TestEngine): { unharmed(): Promise<void> } {
  const stream = engine.stream({ prompt: "an innocent", maxTokens: 30 });
  return {
    async unharmed() {
      const last = await stream.last;
      assert.deepEqual([last.status, last.outputTokens, last.dispatch!.attempts], ["ok", 30, 1]);
    },
  };
}

async function post(engine: TestEngine, path: string, body: BodyInit, headers: HeadersInit = {}) {
  const response = await fetch(engine.url + path, {
    method: "POST",
    headers: { ...JSON_TYPE, ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** The same over a socket, with headers of any bytes. */
async function postRaw({ engine: { httpAddress: host } }: TestEngine, headers: string): Promise<string> {
  using raw = await RawHttp.open(host!);
  const body = JSON.stringify({ prompt: "x", max_tokens: 1 });
  const length = Buffer.byteLength(body);
  const head =
    `POST ${COMPLETIONS} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n`;
  await raw.sendBytes(Buffer.from(`${head}${headers}\r\n\r\n${body}`, "latin1"));
  const response = await raw.response();
  return `${response.status} ${response.head}\n${response.body}`;
}

/** A request over gRPC whose message is these bytes. */
function submitBytes({ client }: TestEngine, bytes: Uint8Array): Promise<GenerateReply__Output> {
  const { path, responseDeserialize } = omnispan.Engine.service.SubmitGenerate;
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      path,
      (message: Uint8Array) => Buffer.from(message),
      responseDeserialize,
      bytes,
      new Metadata(),
      { deadline: Date.now() + 30_000 },
      (error, reply) => error ? reject(error) : resolve(reply!),
    )
  );
}

/** A request's bytes with each `?` of its texts made a byte that is no UTF-8. */
function broken(request: GenerateRequest): Uint8Array {
  return omnispan.Engine.service.SubmitGenerate.requestSerialize(request).map((byte) =>
    byte === 0x3f ? 0xff : byte
  );
}

async function tenantsOf(engine: TestEngine): Promise<string[]> {
  const text = await (await fetch(`${engine.url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith("omnispan_requests_total{"));
  assert.equal(new Set(lines.map((line) => line.split("} ")[0])).size, lines.length, "each series once");
  return lines.map((line) => /tenant="([^"]*)"/.exec(line)![1]!).sort();
}

const HALVES: readonly [path: string, body: object, param: string][] = [
  [COMPLETIONS, { prompt: `see ${HALF}` }, "prompt"],
  [COMPLETIONS, { prompt: `${HALF} ${"long ".repeat(50)}` }, "prompt"],
  [COMPLETIONS, { prompt: "x", stop: ["a", `\ude00${HALF}`] }, "stop[1]"],
  [COMPLETIONS, { prompt: "x", stop: HALF }, "stop"],
  [COMPLETIONS, { prompt: "x", user: `u${HALF}` }, "user"],
  [COMPLETIONS, { prompt: "x", model: HALF }, "model"],
  [CHAT, { messages: [{ role: "user", content: `hi ${HALF}` }] }, "messages[0].content"],
  [
    CHAT,
    { messages: [{ role: "user", content: [{ type: "text", text: "😀" }, { type: "text", text: HALF }] }] },
    "messages[0].content[1].text",
  ],
  [CHAT, { messages: [{ role: `user${HALF}`, content: "hi" }] }, "messages[0].role"],
  [CHAT, { messages: [{ role: "user", content: "hi" }], [`n${HALF}`]: 1 }, "n\ufffd"],
];

test(
  "half of a surrogate pair is refused by its field in every text of a body, and a stream beside it goes on",
  { profile: "fixed20", ENGINE_MODE: "continuous" },
  async ({ engine }) => {
    const beside = bystander(engine);
    for (const [path, body, param] of HALVES) {
      for (const stream of [false, true]) {
        const { status, body: { error } } = await post(
          engine,
          path,
          JSON.stringify({ max_tokens: 1, stream, ...body }),
        );
        assert.deepEqual([status, error.param], [400, param]);
        assert.match(error.message, BAD_TEXT);
      }
    }
    const { body: { error } } = await post(engine, CHAT, JSON.stringify(HALF));
    assert.match(error.message, /^the body must be Unicode text/);
    await beside.unharmed();
    assert.equal((await engine.stats()).acceptedRequests, 1);
  },
);

test("escapes that make whole characters, and backslashes before them, are text", {}, async ({ engine }) => {
  for (const prompt of ['"\\ud83d\\ude00"', '"\\\\ud83d"', '"\\\\\\\\ud83d \\uD83D\\uDE00"', '"\\u00e9"']) {
    const { status } = await post(engine, COMPLETIONS, `{"prompt":${prompt},"max_tokens":1}`);
    assert.equal(status, 200, prompt);
  }
});

test(
  "over gRPC bytes that are no UTF-8 are refused by their field, and a stream beside them goes on",
  { profile: "fixed20", ENGINE_MODE: "continuous" },
  async ({ engine }) => {
    const beside = bystander(engine);
    const wrong: [GenerateRequest, string][] = [
      [{ prompt: "see ?" }, "prompt"],
      [{ prompt: "x", requestId: "?" }, "request_id"],
      [{ prompt: "x", tenantId: "t?" }, "tenant_id"],
      [{ prompt: "x", modeHint: "?" }, "mode_hint"],
      [{ prompt: "x", stop: ["a", "b?"] }, "stop[1]"],
      [
        { messages: [{ role: "user", content: "a" }, { role: "user", content: "b?" }] },
        "messages[1].content",
      ],
      [{ messages: [{ role: "?", content: "a" }] }, "messages[0].role"],
    ];
    for (const [request, field] of wrong) {
      const { code, details } = await refusal(submitBytes(engine, broken({ ...request, maxTokens: 1 })));
      assert.deepEqual([code, details], [
        Status.INVALID_ARGUMENT,
        `${field} must be UTF-8, got bytes that are not`,
      ]);
    }
    // What a client of protobufjs makes of half of a surrogate pair.
    const { code } = await refusal(engine.submit({ prompt: `see ${HALF}`, maxTokens: 1 }));
    assert.equal(code, Status.INVALID_ARGUMENT);
    assert.equal((await engine.submit({ prompt: "\ufffd is a character", maxTokens: 1 })).status, "ok");
    await beside.unharmed();
  },
);

test(
  "a prompt beyond the model's context counts as its caller's fault, over gRPC and HTTP",
  { MAX_PROMPT_BYTES: 4 * 2 ** 20 },
  async ({ engine }) => {
    const lines: LogRecord[] = [];
    configureSync({
      reset: true,
      sinks: { lines: (line: LogRecord) => void lines.push(line) },
      loggers: [
        { category: "omnispan", sinks: ["lines"], lowestLevel: "debug" },
        { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
      ],
    });
    const tooLong = { prompt: "a ".repeat(1_000_000), maxTokens: 1 };
    const rule =
      /^the prompt must leave room for an answer in the model's context of 1000000 tokens, got 1000000/;
    const stream = await engine.stream(tooLong).last;
    for (const reply of [await engine.submit(tooLong), stream]) {
      assert.equal(reply.status, "worker_runtime_error", "the contract has a reply for it");
      assert.match(reply.errorMessage, rule);
    }
    for (const stream of [false, true]) {
      const body = JSON.stringify({ prompt: tooLong.prompt, max_tokens: 1, stream });
      const { status, body: { error } } = await post(engine, COMPLETIONS, body);
      assert.deepEqual([status, error.code], [400, "invalid_value"]);
      assert.match(error.message, rule);
    }
    const metrics = await (await fetch(`${engine.url}/metrics`)).text();
    for (const transport of ["grpc", "http"]) {
      assert.match(
        metrics,
        new RegExp(
          `^omnispan_requests_total\\{door="${transport}",[^}]*status="invalid_argument"[^}]*\\} 2$`,
          "m",
        ),
      );
    }
    assert.doesNotMatch(metrics, /worker_runtime_error/);
    const statuses = lines.filter(({ level }) => level === "debug").map(({ properties }) =>
      properties["status"]
    );
    assert.deepEqual(statuses, Array(4).fill("invalid_argument"));
    assert.ok(lines.every(({ level }) => level === "debug" || level === "info"), "it is no failure");
  },
);

test("a tenant is the same by whichever way it is named", {}, async ({ engine }) => {
  const name = "café-日本";
  const utf8 = Buffer.from(name).toString("latin1");
  assert.match(await postRaw(engine, `omnispan-tenant: ${utf8}`), /^200 /);
  const asked = { prompt: "x", max_tokens: 1 };
  assert.equal((await post(engine, COMPLETIONS, JSON.stringify({ ...asked, user: name }))).status, 200);
  assert.equal((await engine.submit({ prompt: "x", maxTokens: 1, tenantId: name })).tenantId, name);
  await waitUntil("all are counted", async () => (await tenantsOf(engine)).length === 2);
  assert.deepEqual(await tenantsOf(engine), [name, name], "one series for each transport");
});

test(
  "a header that is no UTF-8 is refused by its name; an id comes back as it was sent",
  {},
  async ({ engine }) => {
    for (const name of ["omnispan-tenant", "omnispan-mode", "omnispan-timeout-ms", "x-request-id"]) {
      const answer = await postRaw(engine, `${name}: caf\xe9`);
      assert.match(answer, /^400 /);
      assert.match(
        answer,
        new RegExp(`"message":"the header ${name} must be UTF-8, got bytes that are not"`),
      );
      assert.match(answer, new RegExp(`"param":"${name}"`));
    }
    const id = Buffer.from("id-é-😀").toString("latin1");
    const answer = await postRaw(engine, `x-request-id: ${id}`);
    assert.match(answer, new RegExp(`^200 [^]*x-request-id: ${id.toLowerCase()}\r\n`));
    assert.match(Buffer.from(answer, "latin1").toString(), /"id":"cmpl-id-é-😀"/);
  },
);
