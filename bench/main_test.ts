/** The bench as a user runs it: real processes against the scripted worker. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasCommand } from "../tests/support/commands.ts";
import { engineFor, type TestEngine } from "../tests/support/engine.ts";
import { TestProcess } from "../tests/support/process.ts";
import { freePort } from "../src/serve/free_port.ts";
import { Serve } from "../tests/support/serve.ts";
import { waitUntil } from "../tests/support/wait.ts";
import { readRecording } from "./record/recorder.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SCRIPTED_WORKER = fileURLToPath(new URL("../tests/support/scripted_worker.ts", import.meta.url));

Deno.test("a run measures each mode under each load in turns, and report makes its reports again", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  const asked = ["--concurrency=2,6", "--requests=24", "--rounds=2", "--max-tokens=5", `--out=${out}`];
  await using run = await bench(worker, ...asked);
  assert.equal((await run.exit()).code, 0, run.output());
  const { environment, samples } = await readRecording(out);
  const measured = samples.filter(({ phase }) => phase === "measured");
  const counts = Map.groupBy(measured, ({ variant, load, round }) => `${variant}, ${load}, ${round}`);
  const modes = ["direct", "queued", "micro_batch", "continuous"];
  const expected = modes.flatMap((mode) =>
    ["2 clients", "6 clients"].flatMap((load) => [0, 1].map((round) => `${mode}, ${load}, ${round}`))
  );
  assert.deepEqual([...counts.keys()].sort(), expected.sort());
  assert.ok([...counts.values()].every(({ length }) => length === 12));
  assert.ok(measured.every(({ outcome, outputTokens }) => outcome === "ok" && outputTokens === 5));
  assert.ok(measured.some(({ variant, dispatch }) => variant === "micro_batch" && dispatch?.size === 6));
  assert.equal(environment.worker?.startedByBench, false);
  const summary = await Deno.readTextFile(join(out, "summary.json"));

  for (const name of ["summary.json", "report.html", "report.md"]) await Deno.remove(join(out, name));
  await using again = new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, "report", out] });
  assert.equal((await again.exit()).code, 0);
  assert.ok(
    again.stdout.some((line) => /^micro_batch +6 clients +24 +0 /.test(line)),
    again.output(),
  );
  assert.deepEqual(run.stdout.slice(0, again.stdout.length), again.stdout);
  assert.equal(await Deno.readTextFile(join(out, "summary.json")), summary);
  assert.match(await Deno.readTextFile(join(out, "report.html")), /^<!doctype html>/i);
});

Deno.test("an open loop sends at its rate, and variants are told apart by their settings", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  const variants = ["--modes=micro_batch", "--vary=MAX_BATCH_SIZE=1,4"];
  const asked = ["--rate=50", "--arrivals=constant", "--duration=2s", "--rounds=1", "--max-tokens=2"];
  await using run = await bench(worker, ...variants, ...asked, `--out=${out}`);
  assert.equal((await run.exit()).code, 0, run.output());
  const samples = (await readRecording(out)).samples.filter(({ phase }) => phase === "measured");
  const byVariant = Map.groupBy(samples, ({ variant }) => variant);
  assert.equal(byVariant.size, 2);
  for (const [variant, sent] of byVariant) {
    assert.match(variant, /^micro_batch .*MAX_BATCH_SIZE=[14]/);
    assert.equal(sent.length, 100);
    const instants = sent.map(({ intendedAt }) => intendedAt).sort((a, b) => a - b);
    assert.ok(Math.abs(instants.at(-1)! - instants[0]! - 99 * 20) < 0.01, "the schedule's own instants");
  }
  const sizes = new Set(
    byVariant.get([...byVariant.keys()].find((name) => name.endsWith("=1"))!)!.map((s) => s.dispatch?.size),
  );
  assert.deepEqual([...sizes], [1]);
});

Deno.test("Ctrl-C ends a run within seconds and reports what was measured", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  await using run = await bench(worker, "--concurrency=2", "--duration=600", `--out=${out}`);
  await measuring(out, run);
  run.kill("SIGINT");
  assert.equal((await run.exit(8000)).code, 130);
  assert.ok(run.stdout.some((line) => /^\w+ +2 clients +\d+ +0 /.test(line)), run.output());
});

Deno.test("an engine that dies is told, its requests failed, and the next variant is measured", {
  ignore: !hasCommand("pkill"),
}, async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  const asked = ["--modes=direct,queued", "--concurrency=3", "--duration=4", "--rounds=1"];
  await using run = await bench(worker, ...asked, `--out=${out}`);
  await measuring(out, run);
  await killChildrenOf(run.pid);
  assert.equal((await run.exit()).code, 1, run.output());
  const told = /^the engine of (direct|queued) ended with code \d+ under load; its log: .*engine-\1\.log$/;
  const [, dead] = run.stderr.map((line) => told.exec(line)).find((found) => found !== null) ?? [];
  const samples = (await readRecording(out)).samples.filter(({ phase }) => phase === "measured");
  const failed = samples.filter(({ outcome }) => outcome === "failed");
  assert.ok(failed.length > 0 && failed.length <= 3, `${failed.length} failed`);
  assert.ok(failed.every(({ variant }) => variant === dead));
  assert.ok(samples.some(({ variant, outcome }) => variant !== dead && outcome === "ok"));
});

Deno.test("an engine at --target is measured as it is, and the mode that it is in is kept", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const [, address = ""] = await worker.waitFor(/listening on (\S+)/);
  await using testEngine = await engineFor(address, { ENGINE_MODE: "queued" });
  const { engine } = testEngine;
  const out = await newFolder();
  const asked = ["--concurrency=2", "--requests=30", "--rounds=1", "--max-tokens=2", `--out=${out}`];
  await using run = await bench(worker, `--target=${engine.address}`, ...asked);
  assert.equal((await run.exit()).code, 0, run.output());
  const { environment, samples } = await readRecording(out);
  assert.deepEqual(environment.plan.variants, [{ name: engine.address, mode: "queued", settings: {} }]);
  assert.equal(environment.engine, null);
  assert.equal(samples.filter(({ phase, outcome }) => phase === "measured" && outcome === "ok").length, 30);
});

Deno.test("an engine at --target that dies half-way ends the run with code 1, a line and the reports", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const [, WORKER_ENDPOINT = ""] = await worker.waitFor(/listening on (\S+)/);
  await using engine = new Serve({ env: { WORKER_ENDPOINT } });
  const target = await engine.address();
  const out = await newFolder();
  const asked = ["--concurrency=2,3", "--duration=60", "--rounds=2", "--max-tokens=2", `--out=${out}`];
  await using run = await bench(worker, `--target=${target}`, ...asked);
  await measuring(out, run);
  engine.kill("SIGKILL");
  assert.equal((await run.exit(40_000)).code, 1, run.output());
  const told = run.stderr.filter((line) => line.startsWith("the engine at "));
  assert.equal(told.length, 1, run.output());
  assert.match(told[0]!, /^the engine at \S+ no longer answers \(.+\)$/);
  assert.ok((await Deno.stat(join(out, "report.html"))).size > 0);
  const { samples } = await readRecording(out);
  const last = samples.findLast(({ outcome }) => outcome === "failed");
  assert.equal(last?.status, "UNAVAILABLE");
});

Deno.test("an engine at --target that is another one in the end ends the run with code 1", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const [, address = ""] = await worker.waitFor(/listening on (\S+)/);
  const changes = { BIND_PORT: freePort() };
  const out = await newFolder();
  const asked = ["--concurrency=2", "--duration=12", "--rounds=1", "--max-tokens=2", `--out=${out}`];
  let first: TestEngine | undefined = await engineFor(address, changes);
  try {
    await using run = await bench(worker, `--target=${first.engine.address}`, ...asked);
    await measuring(out, run);
    const replaced = first;
    const secondsUp = async () => (await replaced.stats()).uptimeSeconds;
    await waitUntil("its whole seconds tell it from a new one", async () => await secondsUp() >= 3);
    await first[Symbol.asyncDispose]();
    first = undefined;
    await using _second = await engineFor(address, changes);
    assert.equal((await run.exit(40_000)).code, 1, run.output());
    // On a very busy machine the second one may be too late to be seen.
    assert.match(
      run.stderr.join("\n"),
      /^the engine at \S+ (was started again under 2 clients|no longer answers .*)$/m,
    );
  } finally {
    await first?.[Symbol.asyncDispose]();
  }
});

Deno.test("a worker that dies half-way and is not the bench's own ends the run with code 1 and a line", async () => {
  const worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  const asked = [
    "--modes=direct,queued",
    "--concurrency=2",
    "--duration=5",
    "--rounds=1",
    "--worker-wait-ms=500",
  ];
  await using run = await bench(worker, ...asked, `--out=${out}`);
  await measuring(out, run);
  await worker[Symbol.asyncDispose]();
  assert.equal((await run.exit(60_000)).code, 1, run.output());
  const told = run.stderr.filter((line) => line.startsWith("the worker "));
  assert.equal(told.length, 1, run.output());
  assert.match(told[0]!, /^the worker was gone \(.+\) under (direct|queued), 2 clients$/);
});

Deno.test("wrong use is one line and exit code 2", async () => {
  await using run = new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, "--concurrency", "many"] });
  assert.equal((await run.exit()).code, 2);
  assert.deepEqual(run.stdout, []);
  assert.deepEqual(run.stderr, [
    '--concurrency must be whole numbers from 1 to 4096, separated by commas, got "many"',
  ]);
});

Deno.test("without an engine at --target nothing is measured, and that is told", async () => {
  await using run = new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, "--target", "127.0.0.1:9"],
  });
  assert.equal((await run.exit()).code, 1);
  assert.match(run.output(), /^the engine at 127\.0\.0\.1:9 must be ready within 3 s, but it did not answer/);
});

Deno.test("what answers at --target and is no engine is told so", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const [, address = ""] = await worker.waitFor(/listening on (\S+)/);
  await using run = new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, "--target", address] });
  assert.equal((await run.exit()).code, 1);
  assert.equal(
    run.output(),
    `the engine at ${address} must be an Omnispan engine, but it does not know GetEngineStats`,
  );
});

Deno.test("without the worker of WORKER_ENDPOINT nothing is measured, and that is told", async () => {
  await using run = new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN],
    env: { WORKER_ENDPOINT: "127.0.0.1:9" },
  });
  assert.equal((await run.exit()).code, 1);
  assert.equal(run.output(), "the worker at 127.0.0.1:9 does not serve");
});

async function bench(worker: TestProcess, ...args: string[]): Promise<TestProcess> {
  const [, address = ""] = await worker.waitFor(/listening on (\S+)/);
  return new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { WORKER_ENDPOINT: address },
  });
}

async function newFolder(): Promise<string> {
  return join(await Deno.makeTempDir(), "run");
}

/** Until the warm-up is over and some requests have been recorded. */
function measuring(folder: string, run: TestProcess): Promise<void> {
  return waitUntil(`the run has samples\n${run.output()}`, () => {
    try {
      return Deno.readTextFileSync(join(folder, "samples.ndjson")).includes('"phase":"measured"');
    } catch {
      return false;
    }
  }, 60_000);
}

async function killChildrenOf(pid: number): Promise<void> {
  const { code } = await new Deno.Command("pkill", { args: ["-KILL", "-P", String(pid)] }).output();
  assert.equal(code, 0, "the engine's process was found");
}
