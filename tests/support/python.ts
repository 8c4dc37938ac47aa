import { join } from "node:path";
import { stderrTerminal } from "../../src/cli/output.ts";
import { type Backend, BACKENDS } from "../../src/config/backends.ts";
import { ensureEnvironment, type EnvironmentPlan } from "../../src/supervisor/environment.ts";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { TextProgress } from "../../src/supervisor/progress.ts";

/** The Python environments that tests run in, one for each backend; what `serve` uses is left alone. */
export type TestEnvironment = "dev" | Exclude<Backend, "sim">;

export function testEnvironment(name: TestEnvironment): EnvironmentPlan {
  const facts = BACKENDS[name === "dev" ? "sim" : name];
  const { requirements, python, pipOptions = [] } = { ...facts, ...facts.tests };
  return {
    oldest: python,
    pipOptions,
    folder: join(WORKER_FOLDER, `.venv-test-${name}`),
    requirements: join(WORKER_FOLDER, requirements),
    python: Deno.env.get("PYTHON") || "auto",
  };
}

/** Interpreter of an environment, which is made when it is missing or stale. */
export function testPython(name: TestEnvironment): Promise<string> {
  return ensureEnvironment(
    testEnvironment(name),
    new TextProgress({ ...stderrTerminal, interactive: false, columns: () => 100 }, "tests: "),
    AbortSignal.timeout(30 * 60_000),
  );
}
