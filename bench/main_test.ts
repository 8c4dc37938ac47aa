/** The bench as a user runs it: real processes against the scripted worker. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestProcess } from "../tests/support/process.ts";
import { waitUntil } from "../tests/support/wait.ts";
import { readRecording } from "./recorder.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SCRIPTED_WORKER = fileURLToPath(new URL("../tests/support/scripted_worker.ts", import.meta.url));

Deno.test("a run measures each mode at each concurrency, and report prints its table again", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  await using run = await bench(
    worker,
    "--concurrency=2,6",
    "--requests=24",
    "--max-tokens=5",
    `--out=${out}`,
  );
  assert.equal((await run.exit()).code, 0, run.output());
  const { environment, samples } = await readRecording(out);
  const measured = samples.filter(({ phase }) => phase === "measured");
  const counts = Map.groupBy(measured, ({ mode, concurrency }) => `${mode} ${concurrency}`);
  const expected = ["direct", "queued", "micro_batch", "continuous"].flatMap((
    mode,
  ) => [[`${mode} 2`, 24], [`${mode} 6`, 24]]);
  assert.deepEqual([...counts].map(([level, { length }]) => [level, length]), expected);
  assert.ok(measured.every(({ outcome, outputTokens }) => outcome === "ok" && outputTokens === 5));
  assert.ok(measured.some(({ mode, dispatch }) => mode === "micro_batch" && dispatch?.size === 6));
  assert.equal(environment.worker?.startedByBench, false);

  await using again = new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, "report", out] });
  assert.equal((await again.exit()).code, 0);
  assert.ok(
    again.stdout.some((line) => line.startsWith("│ micro_batch │       6 │       24 │")),
    again.output(),
  );
  assert.deepEqual(run.stdout.slice(0, again.stdout.length), again.stdout);
});

Deno.test("Ctrl-C ends a run within seconds and reports what was measured", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  await using run = await bench(worker, "--concurrency=2", "--duration=600", `--out=${out}`);
  await measuring(out, run);
  run.kill("SIGINT");
  assert.equal((await run.exit(8000)).code, 130);
  await run.waitFor(/^│ direct +│ +2 │/);
});

Deno.test("an engine that dies is told, its requests failed, and the next mode is measured", async () => {
  await using worker = new TestProcess(Deno.execPath(), { args: ["run", "-A", SCRIPTED_WORKER] });
  const out = await newFolder();
  const levels = ["--modes=direct,queued", "--concurrency=3", "--duration=4"];
  await using run = await bench(worker, ...levels, `--out=${out}`);
  await measuring(out, run);
  await killChildrenOf(run.pid);
  assert.equal((await run.exit()).code, 1, run.output());
  await run.waitFor(
    /^the direct engine ended with code \d+ under load; its log: .*engine-direct\.log$/,
    0,
    run.stderr,
  );
  await run.waitFor(/^│ queued +│ +3 │ +\d+ │ +0 │/);
  const failed = (await readRecording(out)).samples.filter(({ outcome }) => outcome === "failed");
  assert.ok(failed.length > 0 && failed.length <= 3, `${failed.length} failed`);
  assert.ok(failed.every(({ mode }) => mode === "direct"));
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

/** Until some requests have been recorded. */
function measuring(folder: string, run: TestProcess): Promise<void> {
  return waitUntil(`the run has samples\n${run.output()}`, () => {
    try {
      return Deno.statSync(join(folder, "samples.ndjson")).size > 20_000;
    } catch {
      return false;
    }
  });
}

async function killChildrenOf(pid: number): Promise<void> {
  const { code } = await new Deno.Command("pkill", { args: ["-KILL", "-P", String(pid)] }).output();
  assert.equal(code, 0, "the engine's process was found");
}
