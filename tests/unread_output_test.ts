/** Programs whose stdout and stderr nobody reads, as before `| head` or after a terminal hung up: real processes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { httpEngineFor } from "./support/engine.ts";
import { LOCK, TestProcess } from "./support/process.ts";
import { testPython } from "./support/python.ts";
import { ROOT } from "./support/serve.ts";

const PROGRAMS = {
  serve: "src/main.ts",
  ask: "src/terminal/ask.ts",
  top: "src/terminal/top.ts",
  keys: "src/access/main.ts",
  bench: "bench/main.ts",
  "bench:speed": "bench/speed/main.ts",
  simulate: "tests/simulator/main.ts",
  test: "tests/run.ts",
};

type Unread = readonly ("stdout" | "stderr")[];
const BOTH: Unread = ["stdout", "stderr"];

interface Ended {
  readonly code: number;
  /** What was read. */
  readonly text: string;
}

/** Runs a program to its end with pipes that have no reader. */
async function ended(
  program: keyof typeof PROGRAMS,
  args: readonly string[],
  unread: Unread = BOTH,
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", LOCK, "-A", join(ROOT, PROGRAMS[program]), ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const read = BOTH.map((name) => unread.includes(name) ? child[name].cancel() : readAll(child[name]));
    const { code } = await child.status;
    return { code, text: (await Promise.all(read)).join("") };
  } catch (thrown) {
    child.kill("SIGKILL");
    throw thrown;
  }
}

/** Runs the command after the text in a terminal of its own until it has shown that text three times, then hangs up. */
const HANG_UP = `
import fcntl, os, pty, struct, subprocess, sys, termios
terminal, end = pty.openpty()
fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
child = subprocess.Popen(sys.argv[2:], stdin=end, stdout=end, stderr=end, start_new_session=True)
os.close(end)
shown = b""
while shown.count(sys.argv[1].encode()) < 3:
    shown += os.read(terminal, 65536)
os.close(terminal)
sys.exit(child.wait())
`;

/** Runs a program whose terminal hangs up once it has shown `text`. */
async function hungUp(
  text: string,
  program: keyof typeof PROGRAMS,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const command = [Deno.execPath(), "run", LOCK, "-A", join(ROOT, PROGRAMS[program]), ...args];
  await using running = new TestProcess(await testPython("dev"), {
    args: ["-c", HANG_UP, text, ...command],
    env: { TERM: "xterm", ...env },
  });
  return (await running.exit(60_000)).code;
}

async function newFolder(): Promise<string> {
  return join(await Deno.makeTempDir(), "run");
}

for (const program of Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[]) {
  Deno.test(`${program} --help ends well when nobody reads it`, async () => {
    assert.deepEqual(await ended(program, ["--help"], ["stdout"]), { code: 0, text: "" });
  });
}

Deno.test("wrong use has its exit code also when nobody reads why", async () => {
  for (const program of ["serve", "ask", "top", "keys", "bench", "simulate"] as const) {
    const { code } = await ended(program, ["--no-such-flag"]);
    assert.equal(code, 2, program);
  }
});

Deno.test("a run of the bench whose output nobody reads measures all, writes its reports and ends well", async () => {
  const worker = join(ROOT, "tests/support/scripted_worker.ts");
  await using running = new TestProcess(Deno.execPath(), { args: ["run", "-A", worker] });
  const [, WORKER_ENDPOINT = ""] = await running.waitFor(/listening on (\S+)/);
  const asked = ["--modes=direct,queued", "--concurrency=2", "--requests=12", "--rounds=2", "--max-tokens=2"];
  const folders: string[] = [];
  for (const unread of [BOTH, ["stderr"]] as const) {
    const out = await newFolder();
    folders.push(out);
    const { code, text } = await ended("bench", ["run", ...asked, `--out=${out}`], unread, {
      WORKER_ENDPOINT,
    });
    assert.equal(code, 0, text);
    for (const name of ["summary.json", "report.md", "report.html", "samples.ndjson.gz"]) {
      assert.ok((await Deno.stat(join(out, name))).size > 0, name);
    }
    if (unread !== BOTH) assert.match(text, /^direct +2 clients +12 +0 /m);
  }

  const [base = "", next = ""] = folders;
  for (const name of ["summary.json", "report.md", "report.html"]) await Deno.remove(join(base, name));
  assert.deepEqual(await ended("bench", ["report", base], ["stdout"]), { code: 0, text: "" });
  assert.match(await Deno.readTextFile(join(base, "report.html")), /<\/html>\s*$/);

  const { code } = await ended("bench", ["compare", base, next, "--fail-on=out_tok_s<1000000"]);
  assert.equal(code, 3, "the limit is broken");
  assert.ok((await Deno.stat(join(next, "compare.md"))).size > 0);
});

Deno.test("a run of the bench goes on when its terminal hangs up", async () => {
  const worker = join(ROOT, "tests/support/scripted_worker.ts");
  await using running = new TestProcess(Deno.execPath(), { args: ["run", "-A", worker] });
  const [, WORKER_ENDPOINT = ""] = await running.waitFor(/listening on (\S+)/);
  const out = await newFolder();
  const asked = ["--modes=direct", "--concurrency=2", "--duration=4", "--rounds=2", "--max-tokens=2"];
  assert.equal(await hungUp("req/s", "bench", ["run", ...asked, `--out=${out}`], { WORKER_ENDPOINT }), 0);
  assert.ok((await Deno.stat(join(out, "report.html"))).size > 0);
});

Deno.test("top ends well when its terminal hangs up", async () => {
  await using engine = await httpEngineFor("127.0.0.1:9");
  assert.equal(await hungUp("q quits", "top", [], { OMNISPAN_URL: engine.url }), 0);
});

Deno.test("what a search of the bench found is in its folder when nobody read it", async () => {
  const worker = join(ROOT, "tests/support/scripted_worker.ts");
  await using running = new TestProcess(Deno.execPath(), { args: ["run", "-A", worker] });
  const [, WORKER_ENDPOINT = ""] = await running.waitFor(/listening on (\S+)/);
  const out = await newFolder();
  const asked = ["--modes=direct,continuous", "--concurrency=2", "--requests=6", "--max-tokens=2"];
  const slo = "--slo=e2e_p95=60s";
  const { code } = await ended("bench", ["tune", ...asked, slo, `--out=${out}`], BOTH, { WORKER_ENDPOINT });
  assert.equal(code, 0);
  assert.match(await Deno.readTextFile(join(out, "tune.txt")), /^Best for 2 clients: /m);
});

Deno.test("the simulator plays to its end, and says by its code whether a promise broke", async () => {
  assert.equal((await ended("simulate", ["--seed=1", "--requests=50", "--counts"])).code, 0);
  assert.equal((await ended("simulate", ["--seed=1", "--runs=500", "--bug=settlement_dropped"])).code, 1);
});

Deno.test("a key that nobody could read stays in no file; keys list ends well", async () => {
  const API_KEYS_FILE = join(await Deno.makeTempDir(), "keys.json");
  const unread = await ended("keys", ["new", "--tenant=a"], ["stdout"], { API_KEYS_FILE });
  assert.equal(unread.code, 1);
  assert.match(
    unread.text,
    /^the key could not be shown \(nobody reads stdout\), so \S+keys\.json does not keep it\n$/,
  );
  assert.deepEqual(JSON.parse(await Deno.readTextFile(API_KEYS_FILE)), { keys: [] });
  assert.equal((await ended("keys", ["list"], BOTH, { API_KEYS_FILE })).code, 0);
});

Deno.test("stdout that can't take what was asked for is reported in a line", {
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using running = new TestProcess("sh", {
    args: [
      "-c",
      `exec "$0" run -A "$1" "$2" --help > /dev/full`,
      Deno.execPath(),
      LOCK,
      join(ROOT, PROGRAMS.bench),
    ],
  });
  assert.equal((await running.exit()).code, 2);
  assert.match(running.output(), /^stdout can't be written to: No space left on device[^\n]*$/);
});
