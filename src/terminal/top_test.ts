/** `top` as a user runs it: a real process, a real HTTP server and, where there is one, a real terminal. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { hasCommand } from "../../tests/support/commands.ts";
import { LOCK, TestProcess } from "../../tests/support/process.ts";
import { pause } from "../../tests/support/wait.ts";
import { eventStream, refused, TestEngine } from "../../tests/support/scripted_http_engine.ts";
import { helloAt, sse, tickAt } from "../../tests/support/live_events.ts";

const MAIN = fileURLToPath(new URL("top.ts", import.meta.url));

const ESC = "\x1b";

Deno.test("without a terminal it prints one snapshot without colour, and ends", async () => {
  await using engine = ticking();
  for (const args of [[], ["--once"]]) {
    await using top = topProcess(["--url", engine.url, ...args]);
    assert.equal((await top.exit()).code, 0, top.output());
    assert.match(
      top.stdout[0] ?? "",
      new RegExp(`^Omnispan micro_batch \\(of 8, window 20 ms\\) +up .* +${engine.url}$`),
    );
    assert.ok(top.stdout.some((line) => /^health +ok: /.test(line)));
    assert.ok(!top.output().includes(ESC));
  }
});

Deno.test("--json gives each tick as a line, the first at once, and ends after --count", async () => {
  await using engine = ticking();
  await using top = topProcess(["--url", engine.url, "--json", "--count=3"], {
    OMNISPAN_API_KEY: "omk_1",
  });
  assert.equal((await top.exit()).code, 0, top.output());
  assert.deepEqual(top.stdout.map((line) => JSON.parse(line).point.at - helloAt(400).tick.point.at), [
    0,
    1000,
    2000,
  ]);
  assert.equal(engine.asked[0]?.headers.get("authorization"), "Bearer omk_1");
});

Deno.test("a signal ends it with 130", async () => {
  await using engine = ticking();
  await using top = topProcess(["--url", engine.url, "--json"]);
  await top.waitFor(/"point"/);
  top.kill("SIGTERM");
  assert.equal((await top.exit(5000)).code, 130, "also after garbage was collected");
});

Deno.test("an engine that goes away is told, and followed when it is back", async () => {
  const first = ticking();
  await using top = topProcess(["--url", first.url, "--json"]);
  await top.waitFor(/"point"/);
  await first[Symbol.asyncDispose]();
  await top.waitFor(
    new RegExp(`^connection to ${first.url} lost \\(.*\\); trying again$`),
    15_000,
    top.stderr,
  );
  const before = top.stdout.length;
  await using _second = ticking(first.port, 700);
  await top.waitFor(new RegExp(`"at":${helloAt(701).tick.point.at}`), 15_000, top.stdout);
  assert.ok(top.stdout.length > before);
});

Deno.test("what refuses ends it with 1, what is not there with 3, wrong use with 2", async () => {
  const closed = new TestEngine({});
  await closed[Symbol.asyncDispose]();
  await using engine = new TestEngine({ "/live": () => refused(403, "this key is no operator's") });
  const cases = [
    [["--url", engine.url], 1, /^the engine refused \(403 Forbidden\): this key is no operator's$/],
    [
      ["--url", closed.url],
      3,
      /^no engine could be reached at .*\(Connection refused\); start one with: deno task serve/,
    ],
    [["--onse"], 2, /^--onse is no flag of top; did you mean --once\?$/],
  ] as const;
  for (const [args, code, told] of cases) {
    await using top = topProcess(args);
    assert.equal((await top.exit()).code, code);
    assert.deepEqual(top.stdout, []);
    assert.match(top.stderr.join("\n"), told);
  }
});

Deno.test({
  name: "in a terminal it paints on the alternate screen, and q gives the terminal back as it was",
  ignore: Deno.build.os !== "linux" || !hasCommand("script"),
  async fn() {
    await using engine = ticking();
    const shown = await inTerminal(engine.url, { NO_COLOR: "" }, "q");
    assert.match(shown, /^same\r?$/m);
    assert.match(shown, /code 0\r?$/m);
    const [entered, left] = ["h", "l"].map((code) => shown.indexOf(`${ESC}[?1049${code}`));
    assert.ok(entered! >= 0 && left! > entered!);
    assert.ok(shown.indexOf(`${ESC}[?25h`) > entered!, "the cursor is back");
    const picture = shown.slice(entered, left);
    assert.ok(picture.includes(`${ESC}[1mOmnispan${ESC}[0m micro_batch`));
    assert.ok(picture.includes(`${ESC}[32mok${ESC}[0m: Requests are answered`));
    const plain = await inTerminal(engine.url, { NO_COLOR: "1" }, "\x03");
    assert.match(plain, /code 130\r?$/m);
    assert.match(plain, /^same\r?$/m);
    assert.ok(
      plain.includes("health    ok: Requests") && !plain.includes(`${ESC}[2m`) &&
        !plain.includes(`${ESC}[32m`),
    );
  },
});

/** What a terminal of 80 by 24 gets; the key is typed after the first picture. */
async function inTerminal(url: string, env: Record<string, string>, key: string): Promise<string> {
  const top = `"${Deno.execPath()}" run -A "${LOCK}" "${MAIN}" --url ${url}`;
  const line =
    `stty cols 80 rows 24; b=$(stty -g); ${top}; echo code $?; test "$b" = "$(stty -g)" && echo same`;
  await using child = new Deno.Command("script", {
    args: ["-qec", line, "/dev/null"],
    env: { TERM: "xterm-256color", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let shown = "";
  const decoder = new TextDecoder();
  let typed = false;
  for await (const bytes of child.stdout) {
    shown += decoder.decode(bytes, { stream: true });
    if (typed || !shown.includes("req-0")) continue;
    typed = true;
    await writer.write(new TextEncoder().encode(key));
  }
  clearTimeout(timer);
  await writer.close().catch(() => {}); // it may be gone already
  return shown;
}

/** An engine that has run so many seconds, and ticks faster than a real one. */
function ticking(port = 0, seconds = 400): TestEngine {
  async function* events() {
    yield sse("hello", helloAt(seconds));
    for (let second = seconds + 1;; second++) {
      await pause(20);
      yield sse("tick", tickAt(second));
    }
  }
  return new TestEngine({ "/live": () => eventStream(events()) }, { port });
}

function topProcess(args: readonly string[], env: Readonly<Record<string, string>> = {}): TestProcess {
  return new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, ...args], env });
}
