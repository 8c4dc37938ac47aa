import { addressOf } from "../../src/config/config.ts";
import type { ParsedSettings } from "../../src/config/parse.ts";
import { printError } from "../../src/cli/output.ts";
import { findWorker, workerEndpoint } from "../../src/serve/find_worker.ts";
import { requireWanted } from "../../src/serve/follow_worker.ts";
import { LocalWorker } from "../../src/supervisor/local_worker.ts";
import { planWorker } from "../../src/supervisor/plan.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { WorkerIdentity } from "../record/environment.ts";
import { SetupProgress } from "./progress.ts";

/** The one Python worker that all modes are measured against. */
export interface BenchWorker extends AsyncDisposable {
  readonly identity: WorkerIdentity;
  /** How often it ended by itself and was started again; 0 of one that the run did not start. */
  readonly restarts: number;
}

/**
 * The worker that `serve` would use: the given one, one that is already there, or one set up and started now,
 * whose log goes to `folder`.
 * @throws {StartupError | SetupError} when there is none to be had, or it is not what was asked for by name; an abort when `stop` fires.
 */
export async function benchWorker(
  { settings, given }: ParsedSettings,
  folder: string,
  stop: AbortSignal,
): Promise<BenchWorker> {
  const endpoint = workerEndpoint(settings, given);
  const located = { ...settings, WORKER_ENDPOINT: endpoint };
  const source = await findWorker(located, given, stop);
  if (source.kind !== "none") {
    if (!source.ready) throw new SetupError([`the worker at ${addressOf(endpoint)} does not serve`]);
    if (source.kind === "found" && source.identity) {
      requireWanted({ settings: located, given, env: Deno.env.toObject() }, source.identity);
    }
    printError(`measuring with the worker that is already at ${addressOf(endpoint)}`);
    // What it runs, the engines learn from its session.
    const identity = { endpoint, startedByBench: false, backend: null, model: null, simulated: null };
    return { identity, restarts: 0, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  await using parts = new AsyncDisposableStack();
  const progress = parts.use(new SetupProgress(folder));
  const local = parts.use(new LocalWorker(planWorker(located, given, Deno.build), progress));
  const { backend, model, simulated } = await local.start(stop);
  const running = parts.move();
  return {
    identity: { endpoint, startedByBench: true, backend, model, simulated, settings: settingsIn(Deno.env) },
    get restarts() {
      return local.restarts;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** The worker's settings that change what it does to a request; a list, since other variables may be secrets. */
export const WORKER_SETTINGS = [
  "MLX_OPENBLAS",
  "OMP_NUM_THREADS",
  "OPENBLAS_NUM_THREADS",
  "SIM_PROFILE",
  "VLLM_DTYPE",
  "VLLM_ENABLE_PREFIX_CACHING",
  "VLLM_ENFORCE_EAGER",
  "VLLM_GPU_MEMORY_UTILIZATION",
  "VLLM_MAX_MODEL_LEN",
  "VLLM_MAX_NUM_BATCHED_TOKENS",
  "VLLM_MAX_NUM_SEQS",
  "VLLM_QUANTIZATION",
  "VLLM_TENSOR_PARALLEL_SIZE",
  "WORKER_CHAT_TEMPLATE",
  "WORKER_MAX_ROWS",
  "WORKER_SESSION",
] as const;

export function settingsIn(env: Pick<Deno.Env, "get">): Record<string, string> {
  return Object.fromEntries(WORKER_SETTINGS.flatMap((name) => {
    const value = env.get(name);
    return value === undefined || value === "" ? [] : [[name, value]];
  }));
}
