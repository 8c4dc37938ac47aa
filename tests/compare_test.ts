/** `bench compare` as a CI job uses it: real processes against the simulated worker. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { SimWorker } from "./support/sim_worker.ts";
import { ROOT } from "./support/serve.ts";
import { TestProcess } from "./support/process.ts";

const MAIN = join(ROOT, "bench/main.ts");

Deno.test("a window that a lone client waits for in vain fails a limit, in turns and again from its results", async () => {
  await using worker = await SimWorker.start({ profile: { stepMs: 4 } });
  const out = join(await Deno.makeTempDir(), "compared");
  const limits = ["--fail-on=ttft_p50>+10%", "--fail-on=e2e_p50>+10%"];
  await using now = compare(
    worker,
    ...[`direct@${ROOT}`, "micro_batch,BATCH_WINDOW_MS=200", ...limits, `--out=${out}`],
    ...["--concurrency=1", "--requests=36", "--rounds=6", "--max-tokens=8", "--exact-output"],
  );
  assert.equal((await now.exit(60_000)).code, 3, now.output());
  assert.match(now.output(), /Paired by round/);
  assert.match(
    now.output(),
    /^BASE direct @ \/.* and NEW micro_batch BATCH_WINDOW_MS=200, measured together/m,
  );
  const { plan } = JSON.parse(await Deno.readTextFile(join(out, "environment.json")));
  assert.equal(join(plan.variants[0].checkout.folder, "."), join(ROOT, "."));
  assert.match(now.output(), /^│ ttft_p50 ms.*│ worse by/m);
  assert.match(now.output(), /^ttft_p50>\+10%: BROKEN by micro_batch BATCH_WINDOW_MS=200, 1 client$/m);
  assert.match(now.output(), /^e2e_p50>\+10%: BROKEN/m);
  const { cells } = JSON.parse(await Deno.readTextFile(join(out, "compare.json")));
  assert.equal(cells[0].next.requests, 36);
  assert.match(await Deno.readTextFile(join(out, "compare.md")), /^# Comparison/);

  await using same = compare(worker, out, out);
  assert.equal((await same.exit()).code, 0, same.output());
  assert.match(same.output(), /no difference shown/);
  assert.doesNotMatch(same.output(), /│ (worse|better) by/);
});

Deno.test("wrong operands and limits are one line each and exit code 2", async () => {
  await using limit = new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, "compare", "direct", "queued", "--fail-on=ttft_p95<-10%"],
  });
  assert.equal((await limit.exit()).code, 2, limit.output());
  assert.match(limit.output(), /^--fail-on must limit the worse direction: ttft_p95 is better when lower/);
  await using folder = new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, "compare", "results/none", "direct"],
  });
  assert.equal((await folder.exit()).code, 2, folder.output());
  assert.match(folder.output(), /^BASE must be a folder with .* or a variant, got "results\/none"$/);
});

function compare(worker: SimWorker, ...args: string[]): TestProcess {
  return new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, "compare", ...args],
    env: { WORKER_ENDPOINT: worker.address },
  });
}
