import { printError } from "../../src/cli/output.ts";
import type { Command } from "../cli/command.ts";
import { SWEPT } from "../cli/commands.ts";
import { type PlanDefaults, planOf } from "../cli/plan_of.ts";
import { parseSlo } from "../metrics/figure_names.ts";
import { readRecording } from "../record/recorder.ts";
import { conclude, EXIT, makeReports, measured, workloadOf } from "./measured.ts";

/** Measures what the flags and the workload file ask for. */
export async function runCommand(
  command: Command,
  stop: AbortSignal,
  defaults?: PlanDefaults,
): Promise<number> {
  const plan = planOf(command, await workloadOf(command), defaults);
  const left = await measured(command, { plan, stop });
  return left ? conclude(left, stop) : EXIT.stopped;
}

/** `run` over every combination of settings. */
export function sweepCommand(command: Command, stop: AbortSignal): Promise<number> {
  return runCommand(command, stop, SWEPT);
}

/** The reports of an earlier run again. */
export async function reportCommand({ operands: [folder = ""], values }: Command): Promise<number> {
  const { dialects, slo } = values;
  const recording = await readRecording(folder);
  if (recording.cut !== undefined) printError(recording.cut);
  await makeReports(folder, recording, { dialects, ...(slo === undefined ? {} : { slo: parseSlo(slo) }) });
  return EXIT.done;
}
