import { join } from "node:path";
import { type Command, CommandFailed, run } from "./child.ts";
import { ensureEnvironment } from "./environment.ts";
import { WORKER_FOLDER, type WorkerPlan } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { pythonCommand } from "./python.ts";
import { SetupError } from "./setup_error.ts";

/**
 * Makes the Python environment and the built-in model if they are missing, and returns the command that starts the
 * worker.
 * @throws {SetupError | StartupError}
 */
export async function prepareWorker(
  plan: WorkerPlan,
  progress: Progress,
  signal: AbortSignal,
): Promise<Command> {
  const python = await ensureEnvironment(plan.environment, progress, signal);
  if (plan.builtInFormat) await ensureModel(python, plan.builtInFormat, progress, signal);
  return { program: python, args: [join(WORKER_FOLDER, "worker.py")], env: plan.env };
}

/** Makes the built-in model ready in the user's cache folder. */
async function ensureModel(
  python: string,
  format: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const script = join(WORKER_FOLDER, "models", "smollm2.py");
  try {
    await progress.step(
      "making sure of the small model SmolLM2-135M",
      (report) => run(pythonCommand(python, script, ["--format", format]), { signal, onLine: report }),
    );
  } catch (thrown) {
    if (!(thrown instanceof CommandFailed)) throw thrown;
    throw new SetupError([
      `the small model can't be made ready (exit code ${thrown.code}); the last lines of ${script}:`,
      ...thrown.lastLines.slice(-10).map((line) => `  ${line}`),
    ]);
  }
}
