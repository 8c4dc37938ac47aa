/** Commands that measure share these parts: the folder of the results, the reports and the exit code. */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT as COMMON } from "../../src/cli/exit.ts";
import { print, printError } from "../../src/cli/output.ts";
import { StartupError } from "../../src/core/errors.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { Command } from "../cli/command.ts";
import { summarizeRun } from "../metrics/summary.ts";
import type { RunPlan } from "../plan.ts";
import { hasRecording, readRecording, type Recording } from "../record/recorder.ts";
import { dialectText } from "../report/dialects.ts";
import { textReport } from "../report/text.ts";
import { writeReports } from "../report/write.ts";
import type { RunRequest } from "../run/lab.ts";
import { run } from "../run/run.ts";
import { readWorkloadFile, type WorkloadFile } from "../workload/file.ts";

export const EXIT = { ...COMMON, nothingMeasured: COMMON.failed, missed: 3 } as const;

/** The command's workload file; an empty one when it has none. */
export async function workloadOf({ values: { workload } }: Command): Promise<WorkloadFile> {
  return workload === undefined ? {} : await readWorkloadFile(workload);
}

/** What a measuring command left. */
export interface Measured {
  readonly folder: string;
  readonly recording: Recording;
  /** What went wrong with engines or set-up after something had been measured. */
  readonly problems: readonly string[];
}

/**
 * Measures what is asked, then reports from the folder alone, also after a stop or a failure half-way. `measure` returns
 * what went wrong with engines. Undefined: it was stopped before there was anything.
 * @throws {StartupError} when `--out` holds results already, and what `measure` threw when it left nothing
 */
export async function measured(
  command: Command,
  asked: Pick<RunRequest, "plan" | "stop"> & Partial<RunRequest>,
  measure: (asked: RunRequest) => Promise<readonly string[]> = run,
): Promise<Measured | undefined> {
  const { engine, values: { target, dialects }, line } = command;
  const folder = resultsFolder(command);
  const problems = await measure({ engine, target, command: line, folder, ...asked }).catch((thrown) => {
    if (asked.stop.aborted) return [];
    if (hasRecording(folder)) return problemsOf(thrown);
    throw thrown;
  });
  if (!hasRecording(folder)) return undefined;
  const recording = await readRecording(folder);
  await makeReports(folder, recording, { dialects });
  return { folder, recording, problems };
}

function resultsFolder({ values: { out } }: Command): string {
  if (out === undefined) {
    const time = new Date().toISOString().replace(/\..*/, "").replaceAll(":", "-");
    return join(fileURLToPath(new URL("../results", import.meta.url)), time);
  }
  if (hasRecording(out)) throw new StartupError([`--out must be a folder without results, got "${out}"`]);
  return out;
}

/**
 * Writes summary.json, report.md and report.html into the run's folder, then prints its table, with `dialects` also the
 * dialect view. The SLO may be another one than the run was made with.
 */
export async function makeReports(
  folder: string,
  { environment, samples }: Recording,
  { dialects, slo = environment.plan.slo }: { readonly dialects: boolean; readonly slo?: RunPlan["slo"] },
): Promise<void> {
  const plan = { ...environment.plan, slo };
  const input = { environment, plan, samples, summary: summarizeRun(samples, plan) };
  const inOtherWords = dialects ? { dialects: dialectText(input) } : {};
  await writeReports(folder, input, inOtherWords);
  print(textReport(input));
  if (inOtherWords.dialects) print(inOtherWords.dialects);
}

/** Prints where the results are and what went wrong; returns the exit code. */
export function conclude({ folder, recording, problems }: Measured, stop: AbortSignal): number {
  print(`Samples, summary and report.html: ${relative(Deno.cwd(), folder) || "."}`);
  problems.forEach(printError);
  if (stop.aborted) return EXIT.stopped;
  const some = recording.samples.some(({ phase, outcome }) => phase === "measured" && outcome === "ok");
  return some && problems.length === 0 ? EXIT.done : EXIT.nothingMeasured;
}

/** Writes what a command found out into its folder, as NAME.txt, then prints it. */
export async function tellFinding(folder: string, name: string, text: string): Promise<void> {
  await Deno.writeTextFile(join(folder, `${name}.txt`), text + "\n");
  print(text);
}

/** Complete lines for people. @throws what is no trouble of the user's or the machine's, but a bug */
export function problemsOf(thrown: unknown): readonly string[] {
  if (thrown instanceof StartupError || thrown instanceof SetupError) return thrown.problems;
  throw thrown;
}
