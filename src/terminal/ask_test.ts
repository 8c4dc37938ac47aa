/** `ask` as a user runs it: a real process and a real HTTP server. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { hasCommand } from "../../tests/support/commands.ts";
import { LOCK, TestProcess } from "../../tests/support/process.ts";
import { RecordingProxy } from "../../tests/support/recording_proxy.ts";
import { pause, waitUntil } from "../../tests/support/wait.ts";
import {
  type Asked,
  eventStream,
  modelList,
  refused,
  TestEngine,
} from "../../tests/support/scripted_http_engine.ts";
import { helloAt, sse } from "../../tests/support/live_events.ts";

const MAIN = fileURLToPath(new URL("ask.ts", import.meta.url));

const ACCOUNT = {
  mode: "micro_batch",
  ttft_ms: 31,
  queue_wait_ms: 12.34,
  timing: { queue_ms: 2, batch_ms: 10 },
  dispatch: { id: 17, size: 4, reason: "window", late_ms: 0.2, attempts: 1 },
};

Deno.test("an answer goes to stdout as it comes, and what it took to stderr", async () => {
  const more = Promise.withResolvers<void>();
  await using engine = new TestEngine({
    "/v1/models": () => modelList("smol", "other"),
    "/v1/chat/completions": () =>
      eventStream(async function* () {
        yield chunk({ delta: { role: "assistant", content: "The sky\nis " } });
        await more.promise;
        yield* [chunk({ delta: { content: "blue." } }), ...ending()];
      }()),
  });
  await using ask = askProcess(["--url", engine.url, "--max-tokens=9", "Why", "is it?"]);
  await ask.waitFor(/^The sky$/);
  assert.equal(ask.stderr.length, 0, "it has not waited for the end");
  await pause(5);
  more.resolve();
  assert.equal((await ask.exit()).code, 0, ask.output());
  assert.deepEqual(ask.stdout, ["The sky", "is blue."]);
  assert.match(
    ask.stderr.join("\n"),
    /^TTFT [\d.]+ m?s, 6 tokens, [\d.]+ tokens\/s, E2E [\d.]+ m?s; micro_batch: waited 12\.3 ms in the queue, batch of 4 \(window\)$/,
  );
  assert.deepEqual(engine.asked.at(-1)?.body, {
    model: "smol",
    messages: [{ role: "user", content: "Why is it?" }],
    max_tokens: 9,
    stream: true,
    stream_options: { include_usage: true },
  });
});

Deno.test("every flag goes where the engine reads it", async () => {
  await using engine = new TestEngine({ "/v1/chat/completions": () => eventStream(whole("ok")) });
  const flags =
    "--system=Be brief.|--temperature=0.5|--top-p=0.9|--seed=7|--stop=a|--stop=\n\n|--mode-hint=direct|" +
    "--tenant=alice|--timeout=2.5|--model=m";
  const env = { OMNISPAN_URL: `${engine.url}/v1/`, OMNISPAN_API_KEY: "omk_1" };
  await using ask = askProcess([...flags.split("|"), "Hi"], env);
  assert.equal((await ask.exit()).code, 0, ask.output());
  const [{ body, headers }] = engine.asked as [Asked];
  assert.deepEqual(body, {
    model: "m",
    messages: [{ role: "system", content: "Be brief." }, { role: "user", content: "Hi" }],
    temperature: 0.5,
    top_p: 0.9,
    seed: 7,
    stop: ["a", "\n\n"],
    stream: true,
    stream_options: { include_usage: true },
  });
  const sent = ["omnispan-mode", "omnispan-tenant", "omnispan-timeout-ms", "authorization"];
  assert.deepEqual(sent.map((name) => headers.get(name)), ["direct", "alice", "2500", "Bearer omk_1"]);
});

Deno.test("--raw completes the prompt itself, and --json gives one object", async () => {
  await using engine = new TestEngine({
    "/v1/models": () => modelList("smol"),
    "/v1/completions": () => eventStream([chunk({ text: "a" }), chunk({ text: "\tb" }), ...ending("length")]),
  });
  await using ask = askProcess(["--url", engine.url, "--raw", "--json", "once"]);
  assert.equal((await ask.exit()).code, 0, ask.output());
  assert.deepEqual(ask.stderr, []);
  assert.equal(ask.stdout.length, 1);
  const { ttft_ms, tokens_per_second, e2e_ms, ...rest } = JSON.parse(ask.stdout[0] ?? "");
  assert.deepEqual(rest, {
    text: "a\tb",
    finish_reason: "length",
    usage: { prompt_tokens: 3, completion_tokens: 6 },
    omnispan: ACCOUNT,
  });
  assert.ok(ttft_ms > 0 && e2e_ms >= ttft_ms && (tokens_per_second === null || tokens_per_second > 0));
  const { body } = engine.asked.at(-1) as Asked;
  assert.deepEqual(body, {
    model: "smol",
    prompt: "once",
    stream: true,
    stream_options: { include_usage: true },
  });
});

Deno.test("a prompt from stdin loses the line end at its end, and an empty one is wrong use", async () => {
  await using engine = new TestEngine({
    "/v1/models": () => modelList("smol"),
    "/v1/chat/completions": () => eventStream(whole("ok")),
  });
  assert.equal((await piped(engine, "  two\nlines\n\n")).code, 0);
  assert.deepEqual(promptOf(engine.asked.at(-1)), "  two\nlines\n");
  const { code, stderr } = await piped(engine, "\n");
  assert.deepEqual([code, stderr], [2, "the prompt must be a text that is not empty, got nothing\n"]);
});

Deno.test("what the engine refuses is told in its words, with the time to wait, and ends with 1", async () => {
  await using engine = new TestEngine({
    "/v1/models": () => modelList("smol"),
    "/v1/chat/completions": () => refused(429, "the queue is\x1b[2J full", { "retry-after": "3" }),
  });
  await using ask = askProcess(["--url", engine.url, "hi"]);
  assert.equal((await ask.exit()).code, 1);
  assert.deepEqual([...ask.stdout, ...ask.stderr], [
    "the engine refused (429 Too Many Requests): the queue is [2J full; try again in 3 s",
  ]);
});

Deno.test("an answer that fails or breaks off in the middle ends with 1, after what had come", async () => {
  const failing = (...parts: string[]) =>
    new TestEngine({
      "/v1/chat/completions": () => eventStream([chunk({ delta: { content: "par" } }), ...parts]),
    });
  const cases = [
    [
      `data: {"error":{"message":"worker_timeout: nothing for 30 s"}}\n\n`,
      /: worker_timeout: nothing for 30 s$/,
    ],
    ["", /ended the connection before the answer was complete$/],
    ["data: nonsense\n\n", /no chunk of a completion/],
  ] as const;
  for (const [part, told] of cases) {
    await using engine = failing(part);
    await using ask = askProcess(["--url", engine.url, "--model=m", "hi"]);
    assert.equal((await ask.exit()).code, 1);
    assert.deepEqual(ask.stdout, ["par"]);
    assert.match(ask.stderr.join("\n"), told);
  }
});

Deno.test("after a piece of an answer, what went wrong begins a line of its own", async () => {
  await using engine = new TestEngine({
    "/v1/chat/completions": () => eventStream([chunk({ delta: { content: "par" } })]),
  });
  const script = `"$0" run -A "${LOCK}" "$1" --url "$2" --model=m hi 2>&1`;
  await using ask = new TestProcess("sh", { args: ["-c", script, Deno.execPath(), MAIN, engine.url] });
  assert.equal((await ask.exit()).code, 1);
  assert.deepEqual(ask.stdout, ["par", "the engine ended the connection before the answer was complete"]);
});

Deno.test("no engine there: says where it looked and how to start one, and ends with 3", async () => {
  const gone = new TestEngine({});
  const { url } = gone;
  await gone[Symbol.asyncDispose]();
  await using ask = askProcess(["--url", url, "hi"]);
  assert.equal((await ask.exit()).code, 3);
  assert.match(
    ask.output(),
    new RegExp(`^no engine could be reached at ${url} \\(Connection refused\\); start one`),
  );
  assert.match(ask.output(), /deno task serve/);
});

Deno.test("what has no models is told to be no engine, and an engine without one to list none", async () => {
  const cases = [
    [() => new Response("<html>"), /is no engine: its \/v1\/models lists no models$/],
    [() => modelList(), /lists no model; --model names one$/],
  ] as const;
  for (const [answer, told] of cases) {
    await using engine = new TestEngine({ "/v1/models": answer });
    await using ask = askProcess(["--url", engine.url, "hi"]);
    assert.equal((await ask.exit()).code, 1);
    assert.match(ask.output(), told);
  }
});

Deno.test("Ctrl-C leaves the request, so that the engine stops it, and ends with 130", async () => {
  const { engine: running, left } = endless();
  await using engine = running;
  await using ask = askProcess(["--url", engine.url, "--model=m", "hi"]);
  await ask.waitFor(/^first$/);
  ask.kill("SIGINT");
  assert.equal((await ask.exit()).code, 130);
  assert.deepEqual(ask.stderr, []);
  await waitUntil("the client has left", left);
});

Deno.test("--timeout gives the engine its word, and then ends by itself", async () => {
  const { engine: running, left } = endless();
  await using engine = running;
  await using ask = askProcess(["--url", engine.url, "--model=m", "--timeout=0.2", "hi"]);
  assert.equal((await ask.exit()).code, 1);
  assert.deepEqual(ask.stderr, ["no complete answer came within 200 ms (--timeout)"]);
  await waitUntil("the client has left", left);
});

Deno.test("a reader that leaves ends it quietly", { ignore: !hasCommand("bash") }, async () => {
  const { engine: running, left } = endless();
  await using engine = running;
  const script = `"$0" run -A "${LOCK}" "$1" --url "$2" --model=m hi | head -n 1; exit "\${PIPESTATUS[0]}"`;
  const args = ["-c", script, Deno.execPath(), MAIN, engine.url];
  const { code, stdout, stderr } = await new Deno.Command("bash", { args, stdin: "null" }).output();
  const text = new TextDecoder();
  assert.deepEqual([code, text.decode(stdout), text.decode(stderr)], [0, "first\n", ""]);
  await waitUntil("the client has left", left);
});

Deno.test({
  name: "a private certificate is believed with --ca, and without it that is told",
  ignore: !hasCommand("openssl"),
  async fn() {
    const { cert, key, path } = await ownCertificate();
    await using engine = new TestEngine({
      "/v1/models": () => modelList("smol"),
      "/v1/chat/completions": () => eventStream(whole("ok")),
    }, { tls: { cert, key } });
    const url = `https://127.0.0.1:${engine.port}`;
    await using proxy = new RecordingProxy();
    await using ask = askProcess(["--url", url, "--ca", path, "hi"], proxy.env);
    assert.equal((await ask.exit()).code, 0, ask.output());
    assert.deepEqual(ask.stdout, ["ok"]);
    assert.deepEqual(proxy.asked, []);
    await using doubts = askProcess(["--url", url, "hi"]);
    assert.equal((await doubts.exit()).code, 3);
    assert.match(doubts.output(), /certificate.*; --ca FILE names the certificate to believe$/);
  },
});

Deno.test("an engine on this machine is asked directly, whatever proxy the environment names", async () => {
  await using engine = new TestEngine({
    "/v1/models": () => modelList("smol"),
    "/v1/chat/completions": () => eventStream(whole("direct")),
    "/live": () => eventStream([sse("hello", helloAt(400))]),
  });
  await using proxy = new RecordingProxy();
  for (const url of [engine.url, `http://localhost:${engine.port}`, `127.1:${engine.port}`]) {
    await using ask = askProcess(["--url", url, "hi"], proxy.env);
    assert.equal((await ask.exit()).code, 0, ask.output());
    assert.deepEqual(ask.stdout, ["direct"]);
    const main = fileURLToPath(new URL("top.ts", import.meta.url));
    await using top = new TestProcess(Deno.execPath(), {
      args: ["run", "-A", main, "--url", url, "--once"],
      env: proxy.env,
    });
    assert.equal((await top.exit()).code, 0, top.output());
  }
  assert.deepEqual(proxy.asked, []);
  // One elsewhere is asked through it.
  await using far = askProcess(["--url", "http://engine.invalid:8080", "hi"], proxy.env);
  await far.exit();
  assert.match(proxy.asked[0] ?? "", /^GET http:\/\/engine\.invalid:8080\/v1\/models /);
});

/** For 127.0.0.1. */
async function ownCertificate(): Promise<{ cert: string; key: string; path: string }> {
  const folder = await Deno.makeTempDir();
  const [path, keyPath] = [`${folder}/cert.pem`, `${folder}/key.pem`];
  const line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test " +
    `-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -out ${path} -keyout ${keyPath}`;
  const { success } = await new Deno.Command("openssl", { args: line.split(" "), stderr: "null" }).output();
  assert.ok(success);
  return { cert: await Deno.readTextFile(path), key: await Deno.readTextFile(keyPath), path };
}

/** Gives a line every few ms until the client leaves; `left` tells whether it has. */
function endless(): { readonly engine: TestEngine; left(): boolean } {
  let left = false;
  async function* lines() {
    try {
      yield chunk({ delta: { content: "first\n" } });
      for (;;) {
        await pause(5);
        yield chunk({ delta: { content: "more\n" } });
      }
    } finally {
      left = true;
    }
  }
  const engine = new TestEngine({ "/v1/chat/completions": () => eventStream(lines()) });
  return { engine, left: () => left };
}

async function piped(engine: TestEngine, input: string): Promise<{ code: number; stderr: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", LOCK, MAIN, "--url", engine.url],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  });
  await using child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stderr } = await child.output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

function promptOf(asked: Asked | undefined): unknown {
  return (asked?.body as { messages: { content: string }[] }).messages[0]?.content;
}

function chunk(choice: Record<string, unknown>, more: Record<string, unknown> = {}): string {
  return `data: ${
    JSON.stringify({ choices: [{ index: 0, finish_reason: null, ...choice }], usage: null, ...more })
  }\n\n`;
}

function ending(finishReason = "stop"): string[] {
  return [
    chunk({ delta: {}, finish_reason: finishReason }, { omnispan: ACCOUNT }),
    `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 6 } })}\n\n`,
    "data: [DONE]\n\n",
  ];
}

function whole(text: string): string[] {
  return [chunk({ delta: { content: text } }), ...ending()];
}

function askProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}): TestProcess {
  return new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, ...args], env });
}
