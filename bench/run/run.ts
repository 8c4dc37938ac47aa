import { printError } from "../../src/cli/output.ts";
import { cellsOf, type Load, type RunPlan, type TurnLimits } from "../plan.ts";
import { counted } from "../words.ts";
import { randomStream, shuffled } from "../workload/random.ts";
import { Lab, type RunRequest } from "./lab.ts";
import { showTurn } from "./progress.ts";

const DEFAULT_DURATION_MS = 45_000;
/** Six requests a turn in three rounds, so that filling and draining are not most of a turn. */
const DEFAULT_REQUESTS_PER_CLIENT = 18;
const LEAST_DEFAULT_REQUESTS = 48;

/**
 * Measures all that the plan asks for and leaves the recording in `folder`: every cell once in each round, the order
 * drawn anew, so that whatever the machine does beside meets all alike. Returns what went wrong with engines, as
 * complete lines.
 * @throws as `Lab.open` and `Lab.turn`
 */
export async function run(asked: RunRequest): Promise<readonly string[]> {
  const { plan, stop } = asked;
  await using lab = await Lab.open(asked);
  const turns = turnsOf(plan);
  printError(`${counted(turns.length, "turn")}: ${sizeOf(plan)}`);
  for (const [done, { variant, load, round }] of turns.entries()) {
    if (stop.aborted) break;
    const limits = limitsOfTurn(plan, load);
    const name = `[${done + 1}/${turns.length}] ${variant.name}, ${load.name}`;
    using progress = showTurn(name, limits);
    await lab.turn({ variant, load, round, limits, progress });
  }
  return lab.problems;
}

/** "4 variants under 3 loads in 3 rounds, up to 6 minutes of sending" */
export function sizeOf(plan: RunPlan): string {
  const { variants, loads, rounds } = plan;
  const longestMs = cellsOf(plan).reduce((sum, { load }) => sum + limitsOfTurn(plan, load).durationMs, 0);
  const minutes = longestMs * rounds / 60_000;
  const time = Number.isFinite(minutes) ? `, up to ${counted(Math.ceil(minutes), "minute")} of sending` : "";
  return `${counted(variants.length, "variant")} under ${counted(loads.length, "load")} in ${
    counted(rounds, "round")
  }${time}`;
}

/** All turns of a run in their order, which the plan's seed decides. */
export function turnsOf(plan: RunPlan): (ReturnType<typeof cellsOf>[number] & { readonly round: number })[] {
  const cells = cellsOf(plan);
  const random = randomStream(plan.seed, "turns");
  return Array.from(
    { length: plan.rounds },
    (_, round) => shuffled(cells, random).map((cell) => ({ ...cell, round })),
  ).flat();
}

/** A cell's limits, shared out among its rounds. Without any, a closed loop asks a few times for each client, and all
 * end after 45 s. */
export function limitsOfTurn(
  { requests: planned, durationMs, rounds }: Pick<RunPlan, "requests" | "durationMs" | "rounds">,
  load: Load,
): TurnLimits {
  const requests = load.kind === "closed" ? load.requests ?? planned : planned;
  const each = (limit: number) => Math.max(1, Math.ceil(limit / rounds));
  if (requests === null && durationMs === null) {
    const least = load.kind === "closed"
      ? Math.max(LEAST_DEFAULT_REQUESTS, DEFAULT_REQUESTS_PER_CLIENT * load.concurrency)
      : Infinity;
    return { requests: each(least), durationMs: DEFAULT_DURATION_MS / rounds };
  }
  return { requests: each(requests ?? Infinity), durationMs: (durationMs ?? Infinity) / rounds };
}
