import type { Command } from "../cli/command.ts";
import { SWEPT } from "../cli/commands.ts";
import { type PlanDefaults, planOf } from "../cli/plan_of.ts";
import { run } from "../run/run.ts";
import { conclude, EXIT, measured, resultsFolder, workloadOf } from "./measured.ts";
import { makeReports } from "./report.ts";

/** Measures what the flags and the workload file ask for, then reports from the folder alone. */
export async function runCommand(
  command: Command,
  stop: AbortSignal,
  defaults?: PlanDefaults,
): Promise<number> {
  const plan = planOf(command, await workloadOf(command), defaults);
  const folder = resultsFolder(command);
  const { engine, values: { target, dialects }, line } = command;
  const left = await measured(folder, stop, () => run({ plan, engine, target, command: line, folder, stop }));
  if (!left) return EXIT.stopped;
  await makeReports(folder, left.recording, { dialects });
  return conclude(left, stop);
}

/** `run` over every combination of settings. */
export function sweepCommand(command: Command, stop: AbortSignal): Promise<number> {
  return runCommand(command, stop, SWEPT);
}
