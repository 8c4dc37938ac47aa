import { join } from "node:path";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { PROMPTS } from "../workload/prompts.ts";
import type { Figure } from "./figure.ts";
import { inItsOwnProcess } from "./own_process.ts";
import { inRounds } from "./rounds.ts";
import { startEngine, startWorker } from "./setup.ts";

const PROFILE = "a40";
const AT_ONCE = [1, 8, 32, 128] as const;
const MAX_TOKENS = 150;
const ROUNDS = 2;

/** What this measurement reads of a profile of the sim backend; `step_ms` has an entry for each of AT_ONCE. */
interface Profile {
  readonly prefill_ms: number;
  readonly prefill_row_ms: number;
  readonly step_ms: readonly (readonly [rows: number, ms: number])[];
}

/**
 * Tokens/s of a simulated A40 with 1 to 128 streaming clients in continuous mode, in rounds in which all ask at once,
 * over what its profile makes possible: so many rows that join in one step and all leave after 150. The backend
 * called in its own process, in the same rounds, shows what part of the rest is the simulation's own.
 */
export async function simulatedGpu(folder: string): Promise<Figure> {
  const profile: Profile = JSON.parse(
    await Deno.readTextFile(join(WORKER_FOLDER, "backends", "profiles", `${PROFILE}.json`)),
  );
  await using worker = await startWorker("sim", { SIM_PROFILE: PROFILE }, folder);
  await using engine = await startEngine("continuous", worker.endpoint, {}, folder);
  const samples: Record<"clients" | "possible" | "own" | "engine" | "ratio", number[]> = {
    clients: [...AT_ONCE],
    possible: [],
    own: [],
    engine: [],
    ratio: [],
  };
  for (const clients of AT_ONCE) {
    const prompts = Array.from({ length: clients }, (_, index) => PROMPTS[index % PROMPTS.length]!);
    const asked = { prompts, maxTokens: MAX_TOKENS, rounds: ROUNDS, stream: true };
    await inRounds(engine.load, { ...asked, maxTokens: 1, rounds: 1 });
    samples.possible.push(possible(profile, clients));
    samples.engine.push(await inRounds(engine.load, asked));
    samples.own.push(await inItsOwnProcess({ ...asked, backend: "sim", model: PROFILE, rounds: 1 }, folder));
    samples.ratio.push(samples.engine.at(-1)! / samples.possible.at(-1)!);
  }
  const each = (figures: readonly number[], digits: number) =>
    figures.map((figure) => figure.toFixed(digits)).join(", ");
  return {
    name: `tokens/s of the simulated ${PROFILE.toUpperCase()} at ${
      AT_ONCE.join(", ")
    } clients, continuous / possible`,
    reached: `${each(samples.ratio, 3)} (engine ${each(samples.engine, 0)} tok/s, possible ` +
      `${each(samples.possible, 0)}, the backend in its own process ${each(samples.own, 0)})`,
    target: ">= 0.98 each",
    met: Math.min(...samples.ratio) >= 0.98,
    samples,
  };
}

/** Output tokens a second when `rows` rows join in one step and run for MAX_TOKENS steps. */
function possible({ prefill_ms, prefill_row_ms, step_ms }: Profile, rows: number): number {
  const stepMs = step_ms.find(([at]) => at === rows)![1];
  const roundMs = prefill_ms + prefill_row_ms * rows + MAX_TOKENS * stepMs;
  return (rows * MAX_TOKENS) / (roundMs / 1000);
}
