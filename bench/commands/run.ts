import type { Command } from "../cli/command.ts";
import { type PlanDefaults, planOf, RUN_DEFAULTS } from "../cli/plan_of.ts";
import { run } from "../run/run.ts";
import { conclude, EXIT, measured, resultsFolder, workloadOf } from "./measured.ts";
import { makeReports } from "./report.ts";

/** Measures what the flags and the workload file ask for, then reports from the folder alone. */
export async function runCommand(
  command: Command,
  stop: AbortSignal,
  defaults: PlanDefaults = RUN_DEFAULTS,
): Promise<number> {
  const plan = planOf(command, await workloadOf(command), defaults);
  const folder = resultsFolder(command);
  const { engine, values: { target, dialects }, line } = command;
  const left = await measured(folder, stop, () => run({ plan, engine, target, command: line, folder, stop }));
  if (!left) return EXIT.stopped;
  await makeReports(folder, left.recording, { dialects });
  return conclude(left, stop);
}

/** Windows and sizes of micro_batch, and the loads at which they may pay. */
const SWEEP_DEFAULTS: PlanDefaults = {
  modes: ["micro_batch"],
  vary: ["BATCH_WINDOW_MS=0,10,50", "MAX_BATCH_SIZE=4,16,32"],
};

/** `run` over every combination of settings. */
export function sweepCommand(command: Command, stop: AbortSignal): Promise<number> {
  return runCommand(command, stop, SWEEP_DEFAULTS);
}
