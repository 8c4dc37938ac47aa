/** What the README and docs/ say is so: commands run as they stand, names and links exist. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseCommand } from "../bench/cli/command.ts";
import { CONFIGURATION, withSettings } from "../docs/settings_table.ts";
import { SETTING_NAMES } from "../src/config.ts";
import { hasCommand, ROOT, runShellLine, Serve } from "./support/serve.ts";

const PAGES = [
  "README.md",
  "docs/architecture.md",
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
const GRPCURL = await hasCommand("grpcurl");

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, path));
}

/** The lines of the README's shell examples, without comments. */
function examples(): string[] {
  const blocks = [...README.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
  return blocks.flatMap((block) => block.split("\n")).map((line) => line.replace(/\s+#.*/, "").trim()).filter(
    Boolean,
  );
}

Deno.test("the table of settings in docs/configuration.md is the engine's own (deno task docs)", async () => {
  const page = await Deno.readTextFile(CONFIGURATION);
  assert.equal(page, withSettings(page));
});

Deno.test("docs/configuration.md names every setting of the worker", async () => {
  const page = await Deno.readTextFile(CONFIGURATION);
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

Deno.test("the bench's lines in README and docs are right as they stand", async () => {
  let lines = 0;
  for (const path of PAGES) {
    const blocks = [...(await read(path)).matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
    for (const line of blocks.join("").replaceAll("\\\n", " ").split("\n")) {
      const [, typed] = /deno(?:@[\d.]+)? task bench( .*|)$/.exec(line.replace(/\s+#.*/, "")) ?? [];
      if (typed === undefined) continue;
      const args = [...typed.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c!);
      assert.doesNotThrow(() => parseCommand(args, {}), `${path}: ${line}`);
      lines++;
    }
  }
  assert.ok(lines >= 10, `${lines} lines were found`);
});

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

Deno.test({
  name: "the README's grpcurl lines answer as pasted, from a model that serve set up",
  ignore: !GRPCURL,
  // grpc-js keeps timers and sockets for a moment after a close.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using serve = new Serve({ task: true, env: { WORKER_BACKEND: "openvino" } });
    const address = await serve.address();
    const lines = examples().filter((line) => line.startsWith("grpcurl"));
    assert.equal(lines.length, 5);
    const answers: string[] = [];
    for (const line of lines) answers.push(await runShellLine(line.replace("127.0.0.1:50061", address)));
    const [first, second, stream, stats, health] = answers;
    assert.match(first!, /"status": "ok"/);
    assert.match(second!, /"request_id": "mine"[\s\S]*"status": "ok"/);
    assert.match(stream!, /"token_index": 1,[\s\S]*"finished": true[\s\S]*"status": "ok"[\s\S]*"timing": {/);
    assert.match(stats!, /"accepted_requests": "3"[\s\S]*"mode": "direct"/);
    assert.match(health!, /"status": "SERVING"/);
    serve.kill("SIGTERM");
    assert.equal((await serve.exit()).code, 0);
  },
});
