import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { StartupError } from "../../src/core/errors.ts";
import { EXIT as COMMON } from "../../src/cli/exit.ts";
import { print, printError } from "../../src/cli/output.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { Command } from "../cli/command.ts";
import type { Recording } from "../record/recorder.ts";
import { hasRecording, readRecording } from "../record/recorder.ts";
import { readWorkloadFile, type WorkloadFile } from "../workload/file.ts";

export const EXIT = { ...COMMON, nothingMeasured: COMMON.failed, missed: 3 } as const;

/** The folder for a command's results. @throws {StartupError} when `--out` holds some already */
export function resultsFolder({ values: { out } }: Command): string {
  if (out === undefined) {
    const time = new Date().toISOString().replace(/\..*/, "").replaceAll(":", "-");
    return join(fileURLToPath(new URL("../results", import.meta.url)), time);
  }
  if (hasRecording(out)) throw new StartupError([`--out must be a folder without results, got "${out}"`]);
  return out;
}

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
 * Runs `measure` and reads what it left, also after a stop or a failure half-way. Undefined: it was stopped before
 * there was anything.
 * @throws what `measure` threw, when it left nothing
 */
export async function measured(
  folder: string,
  stop: AbortSignal,
  measure: () => Promise<readonly string[]>,
): Promise<Measured | undefined> {
  const problems = await measure().catch((thrown) => {
    if (stop.aborted) return [];
    if (hasRecording(folder)) return problemsOf(thrown);
    throw thrown;
  });
  if (!hasRecording(folder)) return undefined;
  return { folder, recording: await readRecording(folder), problems };
}

/** Says where the results are and what went wrong; returns the exit code. */
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
