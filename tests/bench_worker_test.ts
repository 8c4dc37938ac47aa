/** The bench with a worker of its own: the real one with its simulated backend. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hasCommand } from "./support/commands.ts";
import { ROOT } from "./support/serve.ts";
import { TestProcess } from "./support/process.ts";
import { SimWorker } from "./support/sim_worker.ts";
import { waitUntil } from "./support/wait.ts";

Deno.test("a worker that ends under load is reported, though it is started again", {
  ignore: !hasCommand("pkill"),
}, async () => {
  const out = join(await Deno.makeTempDir(), "run");
  const asked = ["--modes=direct", "--concurrency=1", "--duration=6", "--requests=1000", "--rounds=1"];
  await using run = new TestProcess(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "bench/main.ts"), ...asked, "--max-tokens=4", `--out=${out}`],
    env: { WORKER_BACKEND: "sim", SIM_PROFILE: "a40", WORKER_PORT: "0" },
  });
  const samples = join(out, "samples.ndjson");
  await waitUntil(
    "something was measured",
    () => existsSync(samples) && readFileSync(samples, "utf8").includes('"phase":"measured"'),
    300_000,
  );
  const kill = { args: ["-KILL", "-P", String(run.pid), "-f", "worker\\.py"] };
  assert.equal((await new Deno.Command("pkill", kill).output()).code, 0, "the worker's process was found");
  assert.equal((await run.exit(60_000)).code, 1, run.output());
  assert.match(
    run.output(),
    /^the worker ended under direct, 1 client, and was started again; its log: .*worker\.log$/m,
  );
});

Deno.test("a worker that is already there and is not what was asked for by name is not measured", async () => {
  await using worker = await SimWorker.start({ profile: "null" });
  const out = join(await Deno.makeTempDir(), "run");
  await using run = new TestProcess(Deno.execPath(), {
    args: [
      "run",
      "-A",
      join(ROOT, "bench/main.ts"),
      "--modes=direct",
      "--concurrency=1",
      "--requests=1",
      `--out=${out}`,
    ],
    env: { WORKER_BACKEND: "sim", SIM_PROFILE: "a40", WORKER_PORT: worker.address.split(":")[1]! },
  });
  assert.equal((await run.exit(60_000)).code, 2, run.output());
  assert.match(
    run.output(),
    /^SIM_PROFILE must be "null", as of the worker that already answers at .*, got "a40": /m,
  );
});
