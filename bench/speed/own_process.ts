import { join } from "node:path";
import type { Backend } from "../../src/config/backends.ts";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { prepareWorker } from "../../src/supervisor/prepare.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import { SetupProgress } from "../run/progress.ts";
import { planLocal } from "./local_plan.ts";

const NEVER = new AbortController().signal;
const TIMEOUT_MS = 600_000;

export interface OwnRounds {
  readonly backend: Backend;
  /** SIM_PROFILE of the sim backend. Default: the built-in model. */
  readonly model?: string;
  readonly prompts: readonly string[];
  readonly maxTokens: number;
  readonly rounds: number;
  /** The rows give their tokens as they come. */
  readonly stream: boolean;
}

/**
 * Output tokens a second of a backend called in its own process, all prompts at once in each round: no gRPC, no
 * engine.
 * @throws {SetupError}
 */
export async function inItsOwnProcess(asked: OwnRounds, folder: string): Promise<number> {
  const { backend, prompts, maxTokens, rounds, stream } = asked;
  const { plan } = planLocal(backend);
  using progress = new SetupProgress(folder);
  const { program, env } = await prepareWorker(plan, progress, NEVER);
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
