import { join } from "node:path";
import { now } from "../../src/clock.ts";
import { parseSettings, type Settings } from "../../src/config.ts";
import { planWorker, WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { prepareWorker } from "../../src/supervisor/prepare.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { SetupProgress } from "../progress.ts";
import { PROMPTS } from "../workload.ts";
import { type Figure, median, spread } from "./figure.ts";
import { startEngine, startWorker } from "./setup.ts";

const NEVER = new AbortController().signal;
const ROWS = 32;
const MAX_TOKENS = 64;
const ROUNDS = 4;

/**
 * A real model with 32 clients: tokens/s of micro_batch 32 against the same backend called in its own process
 * with the same prompts in batches of 32. The two take turns, never at the same time.
 */
export async function realModel(
  backend: Settings["WORKER_BACKEND"],
  turns: number,
  folder: string,
): Promise<Figure> {
  const prompts = PROMPTS.slice(0, ROWS);
  const samples = { own: [] as number[], engine: [] as number[], ratio: [] as number[] };
  for (let turn = 0; turn < turns; turn++) {
    samples.own.push(await inItsOwnProcess(backend, prompts, folder));
    samples.engine.push(await throughTheEngine(backend, prompts, folder));
    samples.ratio.push(samples.engine.at(-1)! / samples.own.at(-1)!);
  }
  return {
    name: `tokens/s of ${backend} at ${ROWS} clients, micro_batch ${ROWS} / the backend in its own process`,
    reached: `${spread(samples.ratio)} (engine ${median(samples.engine).toFixed(0)} tok/s, ` +
      `own process ${median(samples.own).toFixed(0)} tok/s)`,
    target: ">= 0.95",
    met: median(samples.ratio) >= 0.95,
    samples,
  };
}

async function inItsOwnProcess(
  backend: Settings["WORKER_BACKEND"],
  prompts: readonly string[],
  folder: string,
): Promise<number> {
  const { settings, given } = parseSettings([], { WORKER_BACKEND: backend });
  const plan = planWorker(settings, given, Deno.build);
  using progress = new SetupProgress(folder);
  const { program } = await prepareWorker(plan, progress, NEVER);
  const file = join(folder, "prompts.json");
  await Deno.writeTextFile(file, JSON.stringify(prompts));
  const { stdout, code } = await new Deno.Command(program, {
    args: [
      ...[join(WORKER_FOLDER, "tools", "direct_bench.py"), "--backend", backend, "--model", plan.model],
      ...[
        "--rows",
        `${ROWS}`,
        "--max-tokens",
        `${MAX_TOKENS}`,
        "--rounds",
        `${ROUNDS}`,
        "--prompts-file",
        file,
      ],
    ],
    stderr: "null",
    signal: AbortSignal.timeout(600_000),
  }).output();
  if (code !== 0) throw new SetupError([`direct_bench.py ended with exit code ${code}`]);
  return JSON.parse(new TextDecoder().decode(stdout)).output_tokens_per_second;
}

/** 32 closed-loop clients, in rounds: the same work as a batch at a time in the own process. */
async function throughTheEngine(
  backend: Settings["WORKER_BACKEND"],
  prompts: readonly string[],
  folder: string,
): Promise<number> {
  await using worker = await startWorker(backend, {}, folder);
  const settings = { MAX_BATCH_SIZE: ROWS, BATCH_WINDOW_MS: 100, WORKER_RPC_TIMEOUT_MS: 600_000 };
  await using engine = await startEngine("micro_batch", worker.endpoint, settings, folder);
  const round = async () => {
    const results = await Promise.all(
      prompts.map((prompt, index) => engine.load.send({ index, prompt, maxTokens: MAX_TOKENS }, NEVER)),
    );
    const failed = results.find(({ outcome }) => outcome !== "ok");
    if (failed) throw new SetupError([`a request failed: ${failed.status}: ${failed.errorMessage}`]);
    return results.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  };
  await round();
  let tokens = 0;
  const start = now();
  for (let i = 0; i < ROUNDS; i++) tokens += await round();
  return tokens / ((now() - start) / 1000);
}
