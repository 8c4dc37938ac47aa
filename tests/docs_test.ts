/** What the README and docs/ say is so: commands run as they stand, names and links exist. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseCommand } from "../bench/cli/command.ts";
import { PAGE_NAMES, withTables } from "../docs/tables.ts";
import { parseCommand as parseKeys } from "../src/access/command.ts";
import { parseAsk } from "../src/terminal/ask_command.ts";
import { parseTop } from "../src/terminal/top_command.ts";
import { SETTING_NAMES } from "../src/config/config.ts";
import { MODES } from "../src/core/modes/modes.ts";
import { type ErrorCode, OmnispanError } from "../src/core/errors.ts";
import { HTTP_STATUS, refusal, WORKER_STATUS, workerFailure } from "../src/ingress/http/status.ts";
import { failedReply, type WorkerFailure } from "../src/core/types.ts";
import { hasCommand } from "./support/commands.ts";
import { httpEngineFor } from "./support/engine.ts";
import { parseMetrics } from "./support/exposition.ts";
import { metricsOf } from "./support/observed_engine.ts";
import { end, notice, openRequest } from "./support/observed_requests.ts";
import { ROOT, runShellLine, Serve } from "./support/serve.ts";
import { SimWorker } from "./support/sim_worker.ts";

const PAGES = [
  "README.md",
  "docs/tour.md",
  "docs/architecture.md",
  "docs/guarantees.md",
  "docs/http.md",
  "docs/configuration.md",
  "docs/operations.md",
  "docs/benchmarks.md",
  "docs/metrics.md",
  "docs/dialects.md",
  "docs/workloads.md",
  "docs/compare.md",
  "docs/tuning.md",
];
const README = await read("README.md");
const GRPCURL = hasCommand("grpcurl");
const CURL = hasCommand("curl");
/** For an answer of the real model, on a machine that has other work too. */
const ANSWER_MS = 120_000;

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}

/** The code blocks of a page in one language. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, block]) =>
    block!
  );
}

/** The lines of a page's shell examples, without comments; one that goes on after a backslash is one. */
function examples(page = README): string[] {
  return blocks(page, "sh").flatMap((block) => block.replaceAll(/\\\n\s*/g, "").split("\n"))
    .map((line) => line.replace(/\s+#.*/, "").trim()).filter(Boolean);
}

/** The words that a shell would make of a command's arguments. */
function words(typed: string): string[] {
  return [...typed.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!);
}

for (const name of PAGE_NAMES) {
  Deno.test(`the tables that docs/${name} has from the code are as the code is (deno task docs)`, async () => {
    const page = await read(`docs/${name}`);
    assert.equal(page, withTables(name, page));
  });
}

Deno.test("docs/configuration.md names every setting of the worker", async () => {
  const page = await read("docs/configuration.md");
  const names = [...(await read("worker/config.py")).matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map(([, name]) =>
    name!
  );
  assert.ok(names.length > 15, "the worker's settings were found");
  assert.deepEqual(names.filter((name) => !page.includes(`\`${name}\``)), []);
});

Deno.test("commands, settings and links that the documents name exist", async () => {
  const { tasks } = JSON.parse(await read("deno.json")) as { tasks: Record<string, string> };
  const worker = await read("worker/config.py");
  for (const path of PAGES) {
    const page = await read(path);
    for (const [, task] of page.matchAll(/deno(?:@[\d.]+)? task ([a-z:]+)/g)) {
      assert.ok(task! in tasks, `${path}: task ${task}`);
    }
    for (const [, link] of page.matchAll(/\]\(([^)#:]+)\)/g)) await Deno.stat(join(ROOT, path, "..", link!));
  }
  for (const [, name] of examples().join("\n").matchAll(/\b([A-Z]+(?:_[A-Z]+)+)=/g)) {
    assert.ok(
      SETTING_NAMES.some((known) => known === name) || worker.includes(`"${name}"`),
      `README: setting ${name}`,
    );
  }
});

/** Folders that are made by running something. */
const MADE = /^(worker\/\.venv|bench\/results)/;
/** A file or a folder of the repository as pages write it; NAME stands for what a reader would add. */
const PATH = /`((?:bench|docs|proto|src|tests|worker)\/[^`\s*{]+)`/g;
/** A file without its folder. */
const FILE = /`([a-z][a-z0-9_]*\.(?:ts|py|proto|yaml))`/g;

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = `${folder}/${name}`;
    if (isDirectory && !MADE.test(path) && name !== "node_modules") yield* filesIn(path);
    else yield path;
  }
}

Deno.test("files and folders that the documents name exist", async () => {
  const names = new Set<string>();
  for (const folder of ["bench", "docs", "proto", "src", "tests", "worker"]) {
    for await (const path of filesIn(folder)) names.add(path.slice(path.lastIndexOf("/") + 1));
  }
  let found = 0;
  for (const path of PAGES) {
    const page = (await read(path)).replace(/^.*https:\/\/github\.com.*$/gm, ""); // files of other projects
    for (const [, named] of page.matchAll(PATH)) {
      if (MADE.test(named!) || named!.includes("NAME")) continue;
      await assert.doesNotReject(Deno.stat(join(ROOT, named!)), `${path} names ${named}`);
      found++;
    }
    for (const [, named] of page.matchAll(FILE)) assert.ok(names.has(named!), `${path} names ${named}`);
  }
  assert.ok(found > 100, `${found} names were found`);
});

Deno.test("each promise of docs/guarantees.md names what keeps it, and a test that shows it", async () => {
  const [, table] = (await read("docs/guarantees.md")).split("\n|---|---|---|\n");
  const rows = table!.split("\n\n")[0]!.split("\n");
  assert.ok(rows.length > 10, `${rows.length} promises were found`);
  for (const row of rows) assert.match(row, /^\|[^|]+\|[^|]*`src\/[^|]+\|[^|]*_test\.ts`[^|]*\|$/);
});

Deno.test("docs/tour.md has a line for each folder of src/", async () => {
  const page = await read("docs/tour.md");
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, "src"))) {
    if (isDirectory) assert.ok(page.includes(`\n| \`src/${name}\` | `), `src/${name}`);
  }
});

Deno.test("the README's table of modes has each mode, and no other", () => {
  const [, table] = README.split("\n| `ENGINE_MODE` | what it does |\n|---|---|\n");
  const rows = table!.split("\n\n")[0]!.split("\n");
  assert.deepEqual(rows.map((row) => /^\| `(\w+)` \|/.exec(row)?.[1]), MODES);
});

Deno.test("docs/operations.md has a row for each metric, and no other", async () => {
  const page = await read("docs/operations.md");
  const metrics = metricsOf();
  metrics.dispatched(notice());
  metrics.ended(end(openRequest()));
  const exposed = parseMetrics(await metrics.text()).map(({ name }) => name);
  const [, table] = page.split("\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
  const cells = table!.split("\n\n")[0]!.split("\n").map((row) => row.split(" | ")[0]!);
  const listed = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  assert.deepEqual(listed.toSorted(), exposed.toSorted());
});

/** How the commands that people type read their arguments; each throws for wrong ones. */
const COMMANDS: Readonly<Record<string, { parse(args: string[]): unknown; readonly least: number }>> = {
  bench: { parse: (args) => parseCommand(args, {}), least: 10 },
  ask: { parse: (args) => parseAsk(args, {}, false), least: 5 },
  top: { parse: (args) => parseTop(args, {}, true), least: 2 },
  keys: { parse: (args) => parseKeys(args, {}), least: 1 },
};

for (const [task, { parse, least }] of Object.entries(COMMANDS)) {
  Deno.test(`the lines of deno task ${task} in README and docs are right as they stand`, async () => {
    let lines = 0;
    for (const path of PAGES) {
      for (const line of examples(await read(path))) {
        const command = new RegExp(`deno(?:@[\\d.]+)? task (?:-q )?${task}( [^|<>)]*|)(?:$|[|<>)])`).exec(
          line,
        );
        if (!command) continue;
        // The certificate of an example is the reader's own, and read as the flag is.
        const typed = command[1]!.replace(" --ca cert.pem", "");
        assert.doesNotThrow(() => parse(words(typed)), `${path}: ${line}`);
        lines++;
      }
    }
    assert.ok(lines >= least, `${lines} lines were found`);
  });
}

Deno.test("flags in the README's examples are flags of serve", async () => {
  for (const line of examples().filter((line) => line.startsWith("deno task serve"))) {
    const flags = line.split(" ").slice(3);
    await using serve = new Serve({ flags: [...flags, "--help"] });
    assert.equal((await serve.exit()).code, 0, line);
    await using checked = new Serve({ flags: [...flags, "--queue-capacity", "0"] });
    await checked.exit();
    assert.equal(
      checked.stderr.length,
      1,
      `only the planted mistake is one in: ${line}\n${checked.output()}`,
    );
  }
});

Deno.test("docs/http.md has the status, the type and the code of each way to fail", async () => {
  const page = await read("docs/http.md");
  const refusals = (Object.keys(HTTP_STATUS) as ErrorCode[]).map((code) =>
    refusal(new OmnispanError(code, ""))
  );
  const failures = (Object.keys(WORKER_STATUS) as WorkerFailure[]).map((status) =>
    workerFailure({ ...failedReply(status, ""), status })
  );
  for (const { status, body: { error: { type, code } } } of [...refusals, ...failures]) {
    assert.match(page, new RegExp(`^\\| ${status} \\| \`${type}\` \\| \`${code}\`[^|]* \\|`, "m"));
  }
});

Deno.test({
  name: "the examples of docs/http.md answer as pasted",
  ignore: !CURL,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const page = await read("docs/http.md");
    await using worker = await SimWorker.start();
    await using engine = await httpEngineFor(worker.address);
    await engine.connected();
    const lines = examples(page).filter((line) => line.startsWith("curl"));
    assert.ok(lines.length >= 5, `${lines.length} lines were found`);
    for (const line of lines) {
      const answer = await runShellLine(line.replaceAll("http://127.0.0.1:8080", engine.url));
      assert.match(answer, /^(HTTP\/1.1 200 OK|\{"|data: \{|ok$|# HELP|event: hello)/m, line);
      assert.doesNotMatch(answer, /"error"/, line);
    }
    for (const script of blocks(page, "ts")) assert.notEqual(await runScript(script, engine.url), "");
  },
});

/** Runs a TypeScript example as it stands, but for the address of the engine. */
async function runScript(script: string, url: string): Promise<string> {
  assert.ok(script.includes("http://127.0.0.1:8080"), script);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--check", "--ext=ts", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(ANSWER_MS),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script.replaceAll("http://127.0.0.1:8080", url)));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "the README's lines for gRPC and HTTP answer as pasted, from a model that serve set up",
  ignore: !GRPCURL || !CURL,
  // grpc-js keeps timers and sockets for a moment after a close.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using serve = new Serve({ task: true, env: { WORKER_BACKEND: "openvino" } });
    const address = await serve.address();
    const lines = examples().filter((line) => line.startsWith("grpcurl"));
    assert.equal(lines.length, 5);
    const answers: string[] = [];
    for (const line of lines) {
      answers.push(await runShellLine(line.replace("127.0.0.1:50061", address), ANSWER_MS));
    }
    const [first, second, stream, stats, health] = answers;
    assert.match(first!, /"status": "ok"/);
    assert.match(second!, /"request_id": "mine"[\s\S]*"status": "ok"/);
    assert.match(stream!, /"token_index": 1,[\s\S]*"finished": true[\s\S]*"status": "ok"[\s\S]*"timing": {/);
    assert.match(stats!, /"accepted_requests": "3"[\s\S]*"mode": "direct"/);
    assert.match(health!, /"status": "SERVING"/);

    const url = await serve.httpUrl();
    const local = (text: string) => text.replaceAll("http://127.0.0.1:8080", url);
    const curls = examples().filter((line) => line.startsWith("curl"));
    assert.equal(curls.length, 2);
    const [chat, completion] = await Promise.all(curls.map((line) => runShellLine(local(line), ANSWER_MS)));
    assert.match(chat!, /"role":"assistant","content":"[^"]+[\s\S]*"omnispan":\{"mode":"direct"/);
    assert.match(completion!, /data: \{[\s\S]*"finish_reason":"(stop|length)"[\s\S]*data: \[DONE\]/);
    const [script, ...more] = blocks(README, "ts");
    assert.deepEqual(more, []);
    assert.match(await runScript(script!, url), /\w/);
    const asks = examples().filter((line) => line.includes("deno task ask"));
    assert.equal(asks.length, 1);
    assert.match(
      await runShellLine(`OMNISPAN_URL=${url} ${asks[0]}`, ANSWER_MS),
      /TTFT .* tokens.* E2E .*; direct: waited/,
    );
    for (const [, address] of README.matchAll(/(http:\/\/127\.0\.0\.1:8080\/(?:metrics)?) /g)) {
      const page = await fetch(local(address!));
      assert.equal(page.status, 200);
      assert.match(await page.text(), /<title>Omnispan|^# HELP/);
    }
    serve.kill("SIGTERM");
    assert.equal((await serve.exit()).code, 0);
  },
});
