/** `deno task ask` and `deno task top` as people run them: real processes, a real engine, the simulated worker. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { LiveTick } from "../src/live/feed.ts";
import { httpEngineFor, type TestEngine } from "./support/engine.ts";
import { LONG, type Site, siteTest as test } from "./support/http_site.ts";
import { TestProcess } from "./support/process.ts";
import { freePort } from "../src/serve/free_port.ts";
import { ROOT, Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

const SKY = "Why is the sky blue?";

type Env = Readonly<Record<string, string>>;

function client(name: "ask" | "top" | "keys", url: string, args: readonly string[], env: Env = {}) {
  return new TestProcess(Deno.execPath(), {
    args: ["task", "-q", name, ...args],
    env: { OMNISPAN_URL: url, NO_COLOR: "1", ...env },
    cwd: ROOT,
  });
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a client to its end. */
async function ended(running: TestProcess): Promise<Ended> {
  await using child = running;
  const { code } = await child.exit();
  return { code, stdout: child.stdout.join("\n"), stderr: child.stderr.join("\n") };
}

function ask({ engine }: Site, ...args: string[]): Promise<Ended> {
  return ended(client("ask", engine.url, args));
}

/** Runs to its end what asks for an answer that takes longer than any test. */
function askForLong(engine: TestEngine, ...args: string[]): TestProcess {
  return client("ask", engine.url, [`--max-tokens=${LONG}`, ...args, "and so on"]);
}

async function untilUnderWay(engine: TestEngine, requests: number): Promise<void> {
  await waitUntil(`${requests} at the worker`, async () => (await engine.stats()).inFlight === requests);
}

/** The worker reports its rows once a second. */
async function untilRows(engine: TestEngine, rows: number): Promise<void> {
  await waitUntil(`${rows} rows run`, async () => ((await engine.stats()).load?.running ?? 0) === rows);
}

test("ask: the answer is the one that gRPC gives, and a line on stderr says how it came", {
  ENGINE_MODE: "micro_batch",
}, async (site) => {
  const { responseText } = await site.engine.submit({ prompt: SKY, maxTokens: 9 });
  const { code, stdout, stderr } = await ask(site, "--max-tokens", "9", ...SKY.split(" "));
  assert.equal(code, 0, stderr);
  assert.equal(stdout, responseText);
  assert.match(
    stderr,
    /^TTFT .* m?s, 9 tokens, .*E2E .* m?s, cut at max_tokens; micro_batch: waited .* in the queue, batch of 1 \(window\)$/,
  );
});

test(
  "ask --json: one object with the text, the counts and the engine's ledger, which adds up",
  {},
  async (site) => {
    const { responseText, inputTokens } = await site.engine.submit({ prompt: SKY, maxTokens: 9 });
    const { code, stdout, stderr } = await ask(site, "--json", "--max-tokens=9", SKY);
    assert.deepEqual([code, stderr], [0, ""]);
    const { text, finish_reason, usage, omnispan } = JSON.parse(stdout);
    assert.deepEqual([text, finish_reason], [responseText, "length"]);
    assert.deepEqual(usage, {
      prompt_tokens: inputTokens,
      completion_tokens: 9,
      total_tokens: inputTokens + 9,
    });
    const phases: number[] = Object.values(omnispan.timing);
    const sum = phases.reduce((sum, part) => sum + part, 0);
    assert.ok(Math.abs(sum - omnispan.e2e_ms) < 0.1, `${sum} of ${omnispan.e2e_ms} ms`);
  },
);

test(
  "ask: what a shell would read otherwise, and what comes on stdin, reaches the model unchanged",
  {},
  async (site) => {
    for (const prompt of ["a \"b\" 'c' $HOME `d` \\ *", "two\nlines, ünï"]) {
      const { responseText } = await site.engine.submit({ prompt, maxTokens: 5 });
      const words = await ask(site, "--max-tokens=5", "--", prompt);
      assert.equal(words.stdout, responseText, words.stderr);
      await using folder = await temporaryFolder();
      const path = join(folder.path, "prompt.txt");
      await Deno.writeTextFile(path, prompt + "\n");
      const line = `"$0" task -q ask --max-tokens=5 < "$1"`;
      const piped = new TestProcess("sh", {
        args: ["-c", line, Deno.execPath(), path],
        env: { OMNISPAN_URL: site.engine.url },
        cwd: ROOT,
      });
      assert.equal((await ended(piped)).stdout, responseText);
    }
  },
);

test(
  "ask --raw completes the prompt itself, --system makes a conversation, --stop ends before its text",
  {},
  async (site) => {
    const { engine } = site;
    const raw = await engine.submit({ prompt: SKY, rawPrompt: true, maxTokens: 20 });
    const { stdout } = await ask(site, "--raw", "--max-tokens=20", SKY);
    assert.equal(stdout, raw.responseText);
    const messages = [{ role: "system", content: "Be brief." }, { role: "user", content: SKY }];
    const withSystem = await engine.submit({ messages, maxTokens: 20 });
    assert.notEqual(withSystem.responseText, raw.responseText);
    assert.equal(
      (await ask(site, "--system=Be brief.", "--max-tokens=20", SKY)).stdout,
      withSystem.responseText,
    );
    const stop = raw.responseText.split(" ")[8]!;
    const cut = JSON.parse((await ask(site, "--raw", "--json", `--stop=${stop}`, SKY)).stdout);
    assert.equal(cut.finish_reason, "stop");
    assert.equal(cut.text, raw.responseText.slice(0, raw.responseText.indexOf(stop)));
  },
);

test(
  "ask --mode-hint: the answer says the mode that it asked for",
  { ENGINE_MODE: "micro_batch" },
  async (site) => {
    for (const mode of ["direct", "queued", "micro_batch", "continuous"]) {
      const { stdout } = await ask(site, "--json", "--mode-hint", mode, "--max-tokens=2", SKY);
      assert.equal(JSON.parse(stdout).omnispan.mode, mode);
    }
  },
);

test(
  "ask: an engine without mode hints refuses one in its own words",
  { MODE_HINTS: false },
  async (site) => {
    const { code, stdout, stderr } = await ask(site, "--mode-hint=queued", SKY);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /^the engine refused \(400 Bad Request\): omnispan-mode must not be given: MODE_HINTS is false/,
    );
  },
);

test("ask --timeout: the engine's own word on it, before the first token and in the middle of an answer", {
  profile: "fixed20",
  ENGINE_MODE: "queued",
}, async (site) => {
  const { engine } = site;
  const middle = await ask(site, "--timeout=2", `--max-tokens=${LONG}`, SKY);
  assert.equal(middle.code, 1);
  assert.notEqual(middle.stdout, "");
  assert.equal(middle.stderr, "the engine failed: the caller's deadline passed");
  await engine.settled();
  await using running = askForLong(engine);
  await untilUnderWay(engine, 1);
  const waiting = await ask(site, "--timeout=0.5", SKY);
  assert.deepEqual([waiting.code, waiting.stdout], [1, ""]);
  assert.equal(waiting.stderr, "the engine refused (504 Gateway Timeout): the caller's deadline passed");
  running.kill("SIGINT");
  await running.exit();
  await engine.settled();
});

test("ask: Ctrl-C ends it with 130, and the engine frees its row", {
  profile: "fixed20",
}, async ({ engine }) => {
  for (const flags of [[], ["--json"]]) {
    await using asking = askForLong(engine, ...flags);
    await untilRows(engine, 1);
    asking.kill("SIGINT");
    assert.equal((await asking.exit()).code, 130, asking.output());
    assert.deepEqual(asking.stderr, []);
    await engine.settled();
    await untilRows(engine, 0);
  }
});

Deno.test("ask and top: where no engine is they say so, and end with 3", async () => {
  const url = `http://127.0.0.1:${freePort()}`;
  for (const [name, args] of [["ask", ["hi"]], ["top", ["--once"]]] as const) {
    const { code, stdout, stderr } = await ended(client(name, url, args));
    assert.deepEqual([code, stdout], [3, ""]);
    assert.match(stderr, new RegExp(`^no engine could be reached at ${url} .*deno task serve`, "s"));
  }
});

Deno.test({
  name:
    "ask and top: the key of OMNISPAN_API_KEY or --key-file is shown to the engine, which lets operators see",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "keys.json");
    const newKey = async (...flags: string[]) => {
      const made = await ended(client("keys", "", ["new", "--file", file, ...flags]));
      assert.equal(made.code, 0, made.stderr);
      return made.stdout;
    };
    const key = await newKey("--tenant=alice");
    const operator = await newKey("--tenant=ops", "--operator");
    const keyFile = join(folder.path, "operator.key");
    await Deno.writeTextFile(keyFile, operator + "\n");
    await using worker = await SimWorker.start();
    await using engine = await httpEngineFor(worker.address, { API_KEYS_FILE: file });
    await engine.connected();

    const none = await ended(client("ask", engine.url, ["hi"]));
    assert.equal(none.code, 1);
    assert.match(none.stderr, /^the engine refused \(401 Unauthorized\): no API key was given/);
    const asked = await ended(
      client("ask", engine.url, ["--max-tokens=3", "hi"], { OMNISPAN_API_KEY: key }),
    );
    assert.equal(asked.code, 0, asked.stderr);
    const tenant = await ended(client("top", engine.url, ["--once"], { OMNISPAN_API_KEY: key }));
    assert.equal(tenant.code, 1);
    assert.match(tenant.stderr, /^the engine refused \(403 Forbidden\): this needs the key of an operator/);
    const seen = await ended(client("top", engine.url, ["--once", "--key-file", keyFile]));
    assert.equal(seen.code, 0, seen.stderr);
    assert.match(seen.stdout, /^health +ok: /m);
    for (const { stdout, stderr } of [none, asked, tenant, seen]) {
      assert.ok(![key, operator].some((secret) => (stdout + stderr).includes(secret)));
    }
  },
});

test("top --once and --json: the load that there is, by the figures of the metrics", {
  profile: "fixed20",
  ENGINE_MODE: "micro_batch",
  MAX_BATCH_SIZE: 2,
  BATCH_WINDOW_MS: 5000,
}, async ({ engine }) => {
  const answered = [1, 2].map((tokens) =>
    engine.submit({ prompt: SKY, maxTokens: tokens, tenantId: "alice" })
  );
  await Promise.all(answered);
  const running = [1, 2].map((n) => engine.stream({ prompt: SKY, maxTokens: LONG, requestId: `run-${n}` }));
  await waitUntil("they give tokens", () => running.every(({ tokens }) => tokens > 0));
  await using waiting = askForLong(engine, "--tenant=bob");
  await waitUntil("one waits", async () => (await engine.stats()).queueDepth === 1);

  const json = await ended(client("top", engine.url, ["--json", "--count", "2"]));
  assert.equal(json.code, 0, json.stderr);
  const [first, second]: LiveTick[] = json.stdout.split("\n").map((line) => JSON.parse(line));
  assert.ok(first && second && second.now > first.now);
  const { totals, worker, requests, point } = second;
  assert.equal(worker.state, "up");
  assert.deepEqual([totals.accepted, totals.ok, totals.batches, totals.outputTokens >= 3], [5, 2, 2, true]);
  assert.deepEqual([point.queueDepth, point.inFlight], [1, 2]);
  assert.deepEqual(
    requests.map(({ tenantId, door, phase }) => [tenantId, door, phase]),
    [["", "grpc", "decode"], ["", "grpc", "decode"], ["bob", "http", "queued"]],
  );
  const metrics = await (await fetch(`${engine.url}/metrics`)).text();
  assert.match(metrics, new RegExp(`^omnispan_requests_accepted_total ${totals.accepted}$`, "m"));

  const once = await ended(client("top", engine.url, ["--once"]));
  assert.equal(once.code, 0, once.stderr);
  assert.match(once.stdout, /^Omnispan micro_batch \(of 2, window 5000 ms\)/);
  assert.match(once.stdout, /^requests +queue 1 +in flight 2 /m);
  assert.match(once.stdout, /^run-1 .* decode .*\d+\/4000/m);
  assert.match(once.stdout, / bob +queued .* 0\/4000/m);
  assert.match(once.stdout, /^ +1 +full +2\/2 /m);

  for (const stream of running) stream.call.cancel();
  waiting.kill("SIGINT");
  assert.equal((await waiting.exit()).code, 130);
  await engine.settled();
});

Deno.test({
  name: "top --json: the end of a worker that is killed is shown at once, and so is its return",
  ignore: Deno.build.os === "windows",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using serve = await Serve.answering({});
    await using top = client("top", await serve.httpUrl(), ["--json"]);
    const ticks = (): LiveTick[] => top.stdout.map((line) => JSON.parse(line));
    await waitUntil("top sees a worker that is up", () => ticks().at(-1)?.worker.state === "up");
    Deno.kill(serve.workerPid(), "SIGKILL");
    await waitUntil("top sees it down", () => ticks().some(({ worker }) => worker.state === "down"));
    const down = ticks().find(({ worker }) => worker.state === "down")!;
    assert.notEqual(down.health.state, "ok");
    assert.notEqual(down.worker.detail, "");
    await waitUntil("top sees the next one", () => {
      const { worker } = ticks().at(-1)!;
      return worker.state === "up" && worker.restarts === 1;
    }, 30_000);
    top.kill("SIGTERM");
    assert.equal((await top.exit()).code, 130);
  },
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
