/** API keys from end to end: made by `deno task keys`, required at both ports of a real engine. */
import { type CallOptions, status as Status } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import type { Settings } from "../src/config/config.ts";
import { loadAssets } from "../src/page/assets.ts";
import { idOf, KeyFile, secretOf, withAuthorization, withKey } from "./support/api_keys.ts";
import { hasCommand } from "./support/commands.ts";
import { httpEngineFor, refusal, type TestEngine } from "./support/engine.ts";
import { healthNow } from "./support/health.ts";
import { freePort } from "../src/serve/free_port.ts";
import { runShellLine, Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { pause, waitUntil } from "./support/wait.ts";

const CHAT = "/v1/chat/completions";
const ASKED = { messages: [{ role: "user", content: "hi" }], max_tokens: 2 };
const PROMPT = { prompt: "hi", maxTokens: 2 };
const LONG = 4000;
const NO_KEY = "no API key was given: send it as `Authorization: Bearer KEY`";
const NOT_VALID = "the API key is not valid";

interface Site {
  readonly worker: SimWorker;
  readonly engine: TestEngine;
  readonly file: KeyFile;
  /** Alice's. */
  readonly key: string;
  /** One that may see all. */
  readonly operator: string;
}

interface Options extends Partial<Settings> {
  readonly profile?: string;
  /** Flags of Alice's key. */
  readonly limits?: string;
}

function test(
  name: string,
  { profile = "null", limits = "", ...settings }: Options,
  fn: (site: Site) => Promise<void>,
): void {
  Deno.test({
    name,
    // grpc-js keeps timers and sockets for a moment after a close.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using file = await KeyFile.create();
      const [key, operator] = await Promise.all([file.add("alice", limits), file.add("ops", "--operator")]);
      await using worker = await SimWorker.start({ profile });
      const changes = { API_KEYS_FILE: file.path, MAX_TOKENS_LIMIT: LONG, ...settings };
      await using engine = await httpEngineFor(worker.address, changes);
      await engine.connected();
      await fn({ worker, engine, file, key, operator });
    },
  });
}

interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: {
    readonly error: { message: string; type: string; code: string; param: string | null };
    readonly usage: { completion_tokens: number };
  };
}

/** A request over HTTP, with this value of `authorization`. */
async function http(
  engine: TestEngine,
  path: string,
  authorization?: string,
  init: RequestInit = {},
): Promise<Told> {
  const headers = new Headers(init.headers);
  if (authorization !== undefined) headers.set("authorization", authorization);
  const response = await fetch(engine.url + path, { ...init, headers });
  const text = await response.text();
  const json = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : {} };
}

function chat(engine: TestEngine, key: string, change: object = {}, init: RequestInit = {}): Promise<Told> {
  const headers = { "content-type": "application/json", ...init.headers };
  const body = JSON.stringify({ ...ASKED, ...change });
  return http(engine, CHAT, `Bearer ${key}`, { method: "POST", body, ...init, headers });
}

/** GetEngineStats, as gRPC's status code. */
function statsStatus({ client }: TestEngine, options: CallOptions): Promise<Status> {
  return new Promise((resolve) =>
    client.getEngineStats({}, options, (error) => resolve(error?.code ?? Status.OK))
  );
}

/** The page's events up to the first `tick`. */
async function liveText(url: string, key: string): Promise<string> {
  const response = await fetch(`${url}/live`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal(response.status, 200);
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (/event: tick\ndata: .*\n\n/.test(text)) break;
  }
  return text;
}

function sumOf(metrics: string, labels: string): number {
  const lines = metrics.split("\n").filter((line) =>
    line.startsWith("omnispan_requests_total{") && line.includes(labels)
  );
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

test(
  "one key is valid at both ports, and names the tenant, whatever the request says",
  {},
  async ({ engine, key, operator }) => {
    const asBob = { headers: { "omnispan-tenant": "bob" } };
    const answer = await chat(engine, key, { user: "bob" }, asBob);
    assert.equal(answer.status, 200, answer.text);
    const reply = await engine.submit({ ...PROMPT, tenantId: "bob" }, withKey(key));
    assert.equal(reply.tenantId, "alice");
    const stream = engine.stream({ ...PROMPT, tenantId: "bob" }, withKey(key));
    assert.equal((await stream.last).tenantId, "alice");
    assert.deepEqual(new Set(stream.chunks.map(({ tenantId }) => tenantId)), new Set(["alice"]));
    const { text } = await http(engine, "/metrics", `Bearer ${operator}`);
    assert.equal(sumOf(text, 'tenant="alice"'), 3);
    assert.ok(!text.includes("bob"));
  },
);

test(
  "without a key, or with one that is none, no way in is open: 401 and UNAUTHENTICATED",
  {},
  async ({ engine, key, file, operator }) => {
    const hash = /sha256:[0-9a-f]{64}/.exec(await Deno.readTextFile(file.path))![0];
    const other = `omk_${idOf(key)}_${secretOf(operator)}`;
    const unknown = `omk_k00000000_${secretOf(key)}`;
    const wrong: [string | undefined, string][] = [
      [undefined, NO_KEY],
      [key, NO_KEY],
      [`Basic ${key}`, NO_KEY],
      [`Bearer ${other}`, NOT_VALID],
      [`Bearer ${unknown}`, NOT_VALID],
      [`Bearer ${hash}`, NOT_VALID],
      [`Bearer ${key}x`, NOT_VALID],
    ];
    const body = JSON.stringify(ASKED);
    const json = { "content-type": "application/json" };
    const ways: [string, RequestInit][] = [
      [CHAT, { method: "POST", headers: json, body }],
      [CHAT, { method: "POST", body: "not even JSON" }],
      ["/v1/completions", { method: "POST", headers: json, body }],
      ["/v1/models", {}],
      ["/v1/models/null", {}],
      ["/metrics", {}],
      ["/live", {}],
    ];
    for (const [authorization, message] of wrong) {
      for (const [path, init] of ways) {
        const { status, headers, body: { error } } = await http(engine, path, authorization, init);
        const expected = { message, type: "authentication_error", param: null, code: "invalid_api_key" };
        assert.deepEqual([status, error], [401, expected], `${path} with ${authorization}`);
        assert.equal(headers.get("www-authenticate"), "Bearer");
      }
      const options = authorization === undefined ? {} : withAuthorization(authorization);
      for (const reply of [engine.submit(PROMPT, options), engine.stream(PROMPT, options).last]) {
        const { code, details } = await refusal(reply);
        assert.deepEqual([code, details], [Status.UNAUTHENTICATED, message]);
      }
      assert.equal(await statsStatus(engine, options), Status.UNAUTHENTICATED);
    }
    assert.equal((await engine.engine.scheduler.stats()).accepted, 0);
  },
);

test(
  "health, readiness, the page and its parts need no key, and show no secret",
  {},
  async ({ worker, engine }) => {
    const open = ["/healthz", "/readyz", ...(await loadAssets()).keys()];
    assert.ok(open.includes("/") && open.length > 5);
    for (const path of open) assert.equal((await http(engine, path)).status, 200, path);
    assert.equal(await healthNow(engine.engine.address, "omnispan.Engine"), "SERVING");
    worker.kill("SIGKILL");
    await waitUntil("it is not ready", async () => (await http(engine, "/readyz")).status === 503);
    const { error } = JSON.parse((await http(engine, "/readyz")).text);
    assert.equal(error.message, "the worker is down");
  },
);

test(
  "metrics and the live page are an operator's alone; the totals of GetEngineStats are any key's",
  {},
  async ({ engine, key, operator }) => {
    for (const path of ["/metrics", "/live"]) {
      const { status, body: { error } } = await http(engine, path, `Bearer ${key}`);
      assert.deepEqual([status, error.type], [403, "permission_error"]);
      assert.match(error.message, /needs the key of an operator/);
    }
    assert.match(
      (await http(engine, "/metrics", `Bearer ${operator}`)).text,
      /^omnispan_worker_state\{state="up"\} 1/m,
    );
    assert.match(await liveText(engine.url, operator), /^event: hello\ndata: /);
    assert.equal(await statsStatus(engine, withKey(key)), Status.OK);
    assert.equal((await chat(engine, operator)).status, 200, "an operator may ask as well");
  },
);

test(
  "requests_per_minute counts a key's requests at both ports, says when the next fits, and limits no other key",
  {
    limits: "--requests-per-minute 2",
  },
  async ({ engine, file, key, operator }) => {
    assert.equal((await chat(engine, key, { max_tokens: -1 })).status, 400, "what is refused is not counted");
    assert.equal((await chat(engine, key)).status, 200);
    assert.equal((await engine.submit(PROMPT, withKey(key))).status, "ok");
    const message = new RegExp(`^requests_per_minute of API key ${idOf(key)} is 2; try again in (\\d+) ms$`);
    const { status, headers, body: { error } } = await chat(engine, key);
    assert.deepEqual([status, error.type, error.code], [429, "rate_limit_error", "rate_limit_exceeded"]);
    const ms = Number(message.exec(error.message)?.[1]);
    assert.ok(ms > 0 && ms <= 30_000, error.message);
    assert.equal(headers.get("retry-after-ms"), String(ms));
    assert.equal(headers.get("retry-after"), String(Math.ceil(ms / 1000)));
    for (const reply of [engine.submit(PROMPT, withKey(key)), engine.stream(PROMPT, withKey(key)).last]) {
      const { code, details, metadata } = await refusal(reply);
      assert.equal(code, Status.RESOURCE_EXHAUSTED);
      assert.deepEqual(metadata.get("grpc-retry-pushback-ms"), [message.exec(details)?.[1]]);
    }
    assert.equal((await http(engine, "/v1/models", `Bearer ${key}`)).status, 200, "to look costs nothing");
    const second = await file.add("alice");
    await waitUntil("her second key works", async () => (await chat(engine, second)).status === 200);
    assert.equal((await chat(engine, operator)).status, 200);
  },
);

test("several prompts count as so many requests of their key; refused together, none of them counts", {
  limits: "--requests-per-minute 3",
}, async ({ engine, key }) => {
  const ask = async (prompt: readonly string[]) => {
    const response = await fetch(`${engine.url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ prompt, max_tokens: 2 }),
    });
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await ask(["a", "b", "c", "d"]), 429);
  assert.equal(await ask(["a", "b", ""]), 400);
  assert.equal(await ask(["a", "b", "c"]), 200);
  assert.equal(await ask(["a"]), 429);
});

test("max_in_flight holds at both ports until one of the key's requests ends, also by leaving", {
  profile: "fixed20",
  limits: "--max-in-flight 1",
}, async ({ engine, key, operator }) => {
  for (const stream of [false, true]) {
    const leaving = new AbortController();
    const running = chat(engine, key, { max_tokens: LONG, stream }, { signal: leaving.signal });
    await waitUntil("one runs", async () => (await engine.engine.scheduler.stats()).inFlight === 1);
    const message = `max_in_flight of API key ${idOf(key)} is 1; 1 requests are under way`;
    const refused = await chat(engine, key);
    assert.deepEqual([refused.status, refused.body.error.message], [429, message]);
    const { code, details, metadata } = await refusal(engine.submit(PROMPT, withKey(key)));
    assert.deepEqual([code, details], [Status.RESOURCE_EXHAUSTED, message]);
    assert.deepEqual(metadata.get("grpc-retry-pushback-ms"), [], "nobody knows when one ends");
    assert.equal((await chat(engine, operator)).status, 200);
    leaving.abort();
    await assert.rejects(running);
    await waitUntil("its place is free", async () => (await chat(engine, key)).status === 200);
  }
  const { call, reply } = engine.submitCall({ ...PROMPT, maxTokens: LONG }, withKey(key));
  await waitUntil("one runs", async () => (await engine.engine.scheduler.stats()).inFlight === 1);
  call.cancel();
  await refusal(reply);
  await waitUntil("its place is free", async () => (await chat(engine, key)).status === 200);
});

test(
  "max_tokens bounds what may be asked, under the caller's name for it, and what who asks for nothing gets",
  {
    limits: "--max-tokens 5",
  },
  async ({ engine, key, operator }) => {
    assert.equal((await chat(engine, key, { max_tokens: undefined })).body.usage.completion_tokens, 5);
    assert.equal((await engine.submit({ prompt: "hi" }, withKey(key))).outputTokens, 5);
    assert.equal((await chat(engine, operator, { max_tokens: undefined })).body.usage.completion_tokens, 128);
    const rule = `must be at most 5 (max_tokens of API key ${idOf(key)}), got 6`;
    for (const field of ["max_tokens", "max_completion_tokens"]) {
      const { status, body: { error } } = await chat(engine, key, { max_tokens: undefined, [field]: 6 });
      assert.deepEqual([status, error.message, error.param], [400, `${field} ${rule}`, field]);
    }
    const { code, details } = await refusal(engine.submit({ prompt: "hi", maxTokens: 6 }, withKey(key)));
    assert.deepEqual([code, details], [Status.INVALID_ARGUMENT, `max_tokens ${rule}`]);
  },
);

test("tokens_per_minute charges max_tokens, gives back what was not made, and refuses what never fits", {
  limits: "--tokens-per-minute 1000",
}, async ({ engine, key }) => {
  const whole = await engine.submit({ prompt: "hi", maxTokens: 20 }, withKey(key));
  const word = whole.responseText.split(" ")[3]!;
  // Each of these is charged 900, and used less than 20 of it.
  for (let i = 0; i < 3; i++) {
    const { status, body } = await chat(engine, key, { max_tokens: 900, stop: word });
    assert.equal(status, 200);
    assert.ok(body.usage.completion_tokens < 20);
  }
  assert.equal((await chat(engine, key, { max_tokens: undefined })).body.usage.completion_tokens, 128);
  assert.equal((await chat(engine, key, { max_tokens: 800 })).body.usage.completion_tokens, 800);
  const used = await chat(engine, key, { max_tokens: 900 });
  assert.equal(used.status, 429);
  const message = new RegExp(`^tokens_per_minute of API key ${idOf(key)} is 1000; try again in (\\d+) ms$`);
  const ms = Number(message.exec(used.body.error.message)?.[1]);
  assert.ok(ms > 0 && ms <= 60_000, used.body.error.message);
  const { code, metadata } = await refusal(engine.submit({ prompt: "hi", maxTokens: 900 }, withKey(key)));
  assert.equal(code, Status.RESOURCE_EXHAUSTED);
  assert.equal(metadata.get("grpc-retry-pushback-ms").length, 1);
  const never = await chat(engine, key, { max_tokens: 1001 });
  assert.deepEqual([never.status, never.body.error.param], [400, "max_tokens"]);
  assert.match(never.body.error.message, /^max_tokens must be at most 1000 \(tokens_per_minute of API key k/);
});

test(
  "a running engine follows the file: new keys come in, revoked ones are out, a broken file changes nothing",
  {
    profile: "fixed20",
  },
  async ({ engine, file, key, operator }) => {
    const bob = await file.add("bob");
    await waitUntil("the new key works", async () => (await chat(engine, bob)).status === 200);
    const running = engine.stream({ prompt: "hi", maxTokens: 100 }, withKey(bob));
    await waitUntil("it runs", () => running.chunks.length > 0);
    const sound = await Deno.readTextFile(file.path);
    await file.revoke(bob);
    await waitUntil("the revoked key is out", async () => (await chat(engine, bob)).status === 401);
    assert.equal((await refusal(engine.submit(PROMPT, withKey(bob)))).code, Status.UNAUTHENTICATED);
    assert.equal((await running.last).outputTokens, 100, "what was under way ends as it would");
    await file.replace("{");
    await pause(1500); // it looks once a second
    for (const each of [key, operator]) assert.equal((await chat(engine, each)).status, 200);
    assert.equal((await chat(engine, bob)).status, 401);
    await file.replace(sound);
    await waitUntil("the repaired file counts", async () => (await chat(engine, bob)).status === 200);
  },
);

test(
  "a request may not choose its mode where keys are asked for, unless MODE_HINTS says so",
  {},
  async ({ worker, engine, file, key }) => {
    const message = 'must not be given: MODE_HINTS is false here, got "queued"';
    const hinted = { headers: { "omnispan-mode": "queued" } };
    const refused = await chat(engine, key, {}, hinted);
    assert.deepEqual([refused.status, refused.body.error.message], [400, `omnispan-mode ${message}`]);
    const { code, details } = await refusal(engine.submit({ ...PROMPT, modeHint: "queued" }, withKey(key)));
    assert.deepEqual([code, details], [Status.INVALID_ARGUMENT, `mode_hint ${message}`]);
    await using open = await httpEngineFor(worker.address, { API_KEYS_FILE: file.path, MODE_HINTS: true });
    await open.connected();
    assert.match((await chat(open, key, {}, hinted)).text, /"mode":"queued"/);
  },
);

test("nothing that one tenant gets names another", {
  profile: "fixed20",
  ENGINE_MODE: "continuous",
  MAX_CONCURRENT_STREAMS: 2,
  QUEUE_CAPACITY: 1,
}, async ({ engine, file, key }) => {
  const bob = await file.add("bob", "--max-in-flight 3");
  await waitUntil("the new key works", async () => (await chat(engine, bob)).status === 200);
  const texts: string[] = [];
  const note = (seen: unknown) => texts.push(typeof seen === "string" ? seen : JSON.stringify(seen));
  const id = { headers: { "x-request-id": "bobs-request" } };
  const together = await Promise.all([chat(engine, key), chat(engine, bob, {}, id)]);
  note(together[0].text + JSON.stringify([...together[0].headers]));
  const leaving = new AbortController();
  const running = [1, 2].map(() =>
    chat(engine, bob, { max_tokens: LONG }, { ...id, signal: leaving.signal })
  );
  await waitUntil("Bob's run", async () => (await engine.engine.scheduler.stats()).inFlight === 2);
  running.push(chat(engine, bob, { max_tokens: LONG }, { ...id, signal: leaving.signal }));
  await waitUntil("Bob's wait", async () => (await engine.engine.scheduler.stats()).queueDepth === 1);
  const full = await chat(engine, key);
  assert.equal(full.status, 429);
  note(full.text + JSON.stringify([...full.headers]));
  const error = await refusal(engine.submit(PROMPT, withKey(key)));
  note(error.details + JSON.stringify(error.metadata.getMap()));
  note((await http(engine, "/v1/models", `Bearer ${key}`)).text);
  engine.client.getEngineStats({}, withKey(key), (_error, stats) => note(stats));
  await waitUntil("the stats are there", () => texts.length === 5);
  leaving.abort();
  await Promise.allSettled(running);
  for (const text of texts) assert.ok(!/bob/i.test(text) && !text.includes(idOf(bob)), text);
});

function serveTest(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({ name, fn, ignore, sanitizeOps: false, sanitizeResources: false });
}

serveTest("no key, no part of one and no prompt is in logs, metrics, errors or the live page", async () => {
  await using file = await KeyFile.create();
  const [key, operator] = await Promise.all([
    file.add("alice", "--max-tokens 8"),
    file.add("ops", "--operator"),
  ]);
  await using serve = new Serve({ env: { API_KEYS_FILE: file.path, LOG_LEVEL: "debug" } });
  const url = await serve.httpUrl();
  const texts: string[] = [];
  const ask = async (authorization: string, body: unknown) => {
    const headers = { "content-type": "application/json", authorization };
    const response = await fetch(url + CHAT, { method: "POST", headers, body: JSON.stringify(body) });
    texts.push(JSON.stringify([...response.headers]) + await response.text());
    return response.status;
  };
  const secret = { ...ASKED, messages: [{ role: "user", content: "xyzzyplugh" }] };
  const stranger = `omk_k12345678_${"S".repeat(42)}A`;
  assert.equal(await ask(`Bearer ${key}`, secret), 200);
  assert.equal(await ask(`Bearer ${key}`, { ...secret, max_tokens: 9 }), 400);
  assert.equal(await ask(`Bearer ${stranger}`, secret), 401);
  assert.equal(await ask(key, secret), 401);
  await file.replace((await Deno.readTextFile(file.path)).replace('"alice"', `"${key}\\n"`));
  await serve.waitFor(/the API keys stay as they were: .*tenant must be/, 10_000, serve.stderr);
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${operator}` } });
  texts.push(await metrics.text(), await liveText(url, operator));
  serve.kill("SIGTERM");
  await serve.exit();
  texts.push(serve.output());
  assert.match(
    serve.output(),
    /request \S+ ended: ok[\s\S]*refused, unauthenticated/,
    "the log has what it should",
  );
  const hashes = [...(await Deno.readTextFile(file.path)).matchAll(/sha256:([0-9a-f]{64})/g)].map((
    [, hash],
  ) => hash!);
  assert.equal(hashes.length, 2);
  const hidden = [...[key, operator, stranger].map(secretOf), ...hashes];
  for (const text of texts) {
    for (const part of hidden) assert.ok(!text.includes(part.slice(0, 12)), `${part} is in ${text}`);
  }
  assert.ok(!texts.slice(1).some((text) => text.includes("xyzzyplugh")), "no prompt is repeated");
});

serveTest(
  "an address that others reach needs keys, or ALLOW_NO_KEYS: else the start is refused with a line",
  async () => {
    for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
      await using serve = new Serve({ env: { BIND_HOST: host } });
      assert.equal((await serve.exit()).code, 2);
      assert.deepEqual(serve.stderr, [
        `BIND_HOST must be an address of this machine alone (127.0.0.1) while there are no API keys, got ${host}: ` +
        "set API_KEYS_FILE (deno task keys new), or ALLOW_NO_KEYS=1 to let everybody in who can reach it",
      ]);
    }
    await using file = await KeyFile.create();
    const key = await file.add("alice");
    await using worker = await SimWorker.start();
    const env = { BIND_HOST: "0.0.0.0", WORKER_ENDPOINT: worker.address };
    await using open = new Serve({ env: { ...env, ALLOW_NO_KEYS: "1" } });
    await using closed = new Serve({ env: { ...env, API_KEYS_FILE: file.path } });
    assert.equal((await open.ask()).status, "ok");
    await assert.rejects(closed.ask(), /UNAUTHENTICATED/);
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch((await closed.httpUrl()) + CHAT, {
      method: "POST",
      headers,
      body: JSON.stringify(ASKED),
    });
    assert.equal(answer.status, 200, await answer.text());
  },
);

serveTest(
  "a file of secrets that others can read or change is warned of, at the start and when it changes",
  async () => {
    await using file = await KeyFile.create();
    await file.add("alice");
    const about =
      /API_KEYS_FILE should be its owner's alone \(chmod 600\), and \S+ can be (.*) by others: mode (\d+)/;
    const env = { API_KEYS_FILE: file.path, WORKER_ENDPOINT: `127.0.0.1:${freePort()}` };
    for (
      const [mode, may] of [[0o600, ""], [0o640, ""], [0o644, "read"], [0o666, "read and changed"]] as const
    ) {
      await Deno.chmod(file.path, mode);
      await using serve = new Serve({ env });
      await serve.address();
      const warning = serve.stderr.map((line) => about.exec(line)).find((match) => match);
      assert.equal(warning?.[1] ?? "", may);
      if (may) continue;
      await Deno.chmod(file.path, 0o620);
      await Deno.writeTextFile(
        file.path,
        (await Deno.readTextFile(file.path)).replace(/alice\d*/, `alice${mode}`),
      );
      const [, later] = await serve.waitFor(about, 10_000, serve.stderr);
      assert.equal(later, "changed");
    }
  },
  Deno.build.os === "windows",
);

serveTest(
  "a key file that can't be used ends the start with 2 and a line for each thing that is wrong",
  async () => {
    await using file = await KeyFile.create();
    {
      await using serve = new Serve({ env: { API_KEYS_FILE: file.path } });
      assert.equal((await serve.exit()).code, 2);
      assert.deepEqual(serve.stderr, [`${file.path} (API_KEYS_FILE) is not there`]);
    }
    await file.add("alice");
    const sound = await Deno.readTextFile(file.path);
    await file.replace(
      sound.replace('"alice"', '""').replace('"created"', '"limits":{"max_tokens":0},"made"'),
    );
    await using serve = new Serve({ env: { API_KEYS_FILE: file.path } });
    assert.equal((await serve.exit()).code, 2);
    assert.equal(serve.stderr.length, 3, serve.output());
    assert.match(
      serve.output(),
      /: keys\[0\]\.tenant must be a Unicode text of 1 to 256 bytes of UTF-8.*, got ""$/m,
    );
    assert.match(
      serve.output(),
      /: keys\[0\]\.limits\.max_tokens must be a whole number from 1 to 1000000, got 0$/m,
    );
    assert.match(serve.output(), /: keys\[0\]\.made must be one of the fields id, hash, tenant/m);
  },
);

serveTest("the printed curl and grpcurl lines work with a key as pasted", async () => {
  await using file = await KeyFile.create();
  const key = await file.add("alice");
  await using serve = new Serve({ env: { API_KEYS_FILE: file.path } });
  await serve.address();
  const pasted = serve.stdout.filter((line) => /^ +(curl|grpcurl) /.test(line));
  assert.equal(pasted.length, 3, serve.output());
  for (const line of pasted) {
    assert.ok(line.includes('-H "authorization: Bearer $OMNISPAN_API_KEY"'), line);
    const answer = await runShellLine(`OMNISPAN_API_KEY=${key}; ${line}`);
    assert.match(answer, /"status": "ok"|"finish_reason":"length"/);
  }
}, !(hasCommand("curl") && hasCommand("grpcurl")));
