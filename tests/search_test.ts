/** The bench's searches as a user runs them: real engines in front of a simulated worker of known capacity. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TestProcess } from "./support/process.ts";
import { SimWorker } from "./support/sim_worker.ts";

const MAIN = fileURLToPath(new URL("../bench/main.ts", import.meta.url));
/** 8 rows that each take 8 steps of 10 ms: 100 requests a second. */
const PROFILE = { stepMs: 10, maxRows: 8 };
const REQUESTS = ["--max-tokens=8", "--exact-output"];

Deno.test("saturate finds the 100 requests a second of a worker that can do no more", async () => {
  await using worker = await SimWorker.start({ profile: PROFILE });
  await using folder = await newFolder();
  await using search = bench(worker, folder, "saturate", "--modes=continuous", "--duration=3");
  assert.equal((await search.exit(110_000)).code, 0, search.output());
  const [, kept, notKept] = await search.waitFor(
    /^continuous keeps up with ([\d.]+) requests\/s and not with ([\d.]+)[;.]/,
  );
  assert.ok(Number(kept) > 85 && Number(kept) < 112, `${kept} kept`);
  assert.ok(Number(notKept) > Number(kept) && Number(notKept) < 125, `${notKept} not kept`);
  const environment = JSON.parse(await Deno.readTextFile(join(folder.path, "environment.json")));
  const loads: string[] = environment.plan.loads.map(({ name }: { name: string }) => name);
  assert.ok(loads.includes(`${kept}/s poisson`), `the kept plan names ${loads}`);
});

Deno.test("tune finds the settings that keep an SLO, and the command that serves with them", async () => {
  await using worker = await SimWorker.start({ profile: PROFILE });
  await using folder = await newFolder();
  const variants = ["--modes=continuous", "--vary=MAX_CONCURRENT_STREAMS=2,4,8"];
  const asked = ["--rate=70", "--slo=e2e_p50=250ms", "--duration=1"];
  await using search = bench(worker, folder, "tune", ...variants, ...asked);
  assert.equal((await search.exit(110_000)).code, 0, search.output());
  await search.waitFor(/^Best for 70\/s poisson: continuous MAX_CONCURRENT_STREAMS=8, with a goodput of \d+/);
  await search.waitFor(/^It keeps e2e_p50=250ms by \d+\.\d % of the requests/);
  await search.waitFor(/^3 candidates, 12 turns, /);
  await search.waitFor(/^ {2}deno task serve --engine-mode continuous --max-concurrent-streams 8$/);
});

Deno.test("Ctrl-C ends a search within seconds and prints what was known by then", async () => {
  await using worker = await SimWorker.start({ profile: PROFILE });
  await using folder = await newFolder();
  await using search = bench(worker, folder, "saturate", "--modes=continuous", "--duration=2");
  await search.waitFor(/^continuous, trial 1 \(growth\): /, 60_000, search.stderr);
  search.kill("SIGINT");
  assert.equal((await search.exit()).code, 130, search.output());
  await search.waitFor(/: that is what \d trials? had shown when the search ended early\.$/);
});

Deno.test("tune without an SLO, or with several loads, is wrong use and refused at once", async () => {
  await using search = new TestProcess(Deno.execPath(), { args: ["run", "-A", MAIN, "tune", "--rate=1,2"] });
  assert.equal((await search.exit()).code, 2);
  assert.deepEqual(search.stderr, [
    "tune must be given one load, as --rate 6 or --concurrency 16, got 1/s poisson, 2/s poisson",
    "tune must be given an --slo, as ttft_p95=500ms,tpot_p95=50ms, got none",
  ]);
});

function bench(worker: SimWorker, { path }: { path: string }, ...args: string[]): TestProcess {
  return new TestProcess(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args, ...REQUESTS, `--out=${path}`],
    env: { WORKER_ENDPOINT: worker.address },
  });
}

async function newFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = await Deno.makeTempDir();
  return {
    path: join(parent, "results"),
    [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }),
  };
}
