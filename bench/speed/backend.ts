/** A backend of the Python worker on this machine: how a worker with it is started, and what it gives with no engine. */
import { join } from "node:path";
import type { Backend } from "../../src/config/backends.ts";
import { parseSettings } from "../../src/config/parse.ts";
import { workerEndpoint } from "../../src/serve/find_worker.ts";
import { planWorker, WORKER_FOLDER, type WorkerPlan } from "../../src/supervisor/plan.ts";
import { prepareWorker } from "../../src/supervisor/prepare.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { testEnvironment } from "../../tests/support/python.ts";
import { SetupProgress } from "../run/progress.ts";

const TIMEOUT_MS = 600_000;

/** vLLM as its tests run it: without a GPU, and with a context that leaves memory for the others on the machine. */
const VLLM_ON_CPU = { VLLM_MAX_MODEL_LEN: "2048", WORKER_MAX_ROWS: "32" };

/** A worker on a free port, as `serve` would start it, and where it will listen. */
export function planLocal(backend: Backend): { plan: WorkerPlan; endpoint: string } {
  const { settings, given } = parseSettings([], { WORKER_BACKEND: backend, WORKER_PORT: "0" });
  const endpoint = workerEndpoint(settings, given);
  const plan = planWorker({ ...settings, WORKER_ENDPOINT: endpoint }, given, Deno.build);
  if (backend !== "vllm") return { plan, endpoint };
  const onCpu = { ...plan, environment: testEnvironment("vllm"), env: { ...plan.env, ...VLLM_ON_CPU } };
  return { plan: onCpu, endpoint };
}

/** What clients ask in rounds: all prompts at once, and again when all are answered. */
export interface Rounds {
  readonly prompts: readonly string[];
  readonly maxTokens: number;
  readonly rounds: number;
  /** The tokens come as they are made. */
  readonly stream: boolean;
}

export interface OwnRounds extends Rounds {
  readonly backend: Backend;
  /** SIM_PROFILE of the sim backend. @default the built-in model */
  readonly model?: string;
}

/**
 * Output tokens a second of a backend called in its own process: no gRPC, no engine.
 * @throws {SetupError}
 */
export async function inItsOwnProcess(asked: OwnRounds, folder: string): Promise<number> {
  const { backend, prompts, maxTokens, rounds, stream } = asked;
  const { plan } = planLocal(backend);
  using progress = new SetupProgress(folder);
  const { program, env } = await prepareWorker(plan, progress, new AbortController().signal);
  const file = join(folder, "prompts.json");
  await Deno.writeTextFile(file, JSON.stringify(prompts));
  const { stdout, code } = await new Deno.Command(program, {
    args: [
      ...[join(WORKER_FOLDER, "tools", "direct_bench.py"), "--backend", backend],
      ...["--model", asked.model ?? plan.model, "--prompts-file", file, "--rows", `${prompts.length}`],
      ...["--max-tokens", `${maxTokens}`, "--rounds", `${rounds}`, ...(stream ? ["--stream"] : [])],
    ],
    env: { ...env },
    stderr: "null",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).output();
  if (code !== 0) throw new SetupError([`direct_bench.py ended with exit code ${code}`]);
  return JSON.parse(new TextDecoder().decode(stdout)).output_tokens_per_second;
}
