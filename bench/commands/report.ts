import { print, printError } from "../../src/cli/output.ts";
import type { Command } from "../cli/command.ts";
import { parseSlo } from "../metrics/figure_names.ts";
import { summarizeRun } from "../metrics/summary.ts";
import type { Slo } from "../plan.ts";
import { readRecording, type Recording } from "../record/recorder.ts";
import { dialectText } from "../report/dialects.ts";
import { textReport } from "../report/text.ts";
import { writeReports } from "../report/write.ts";
import { EXIT } from "./measured.ts";

export interface ReportOptions {
  /** Print the dialect view too. @default false */
  readonly dialects?: boolean;
  /** Instead of the one that the run was made with. */
  readonly slo?: Slo;
}

/** Writes summary.json, report.md and report.html into the run's folder, then prints its table. */
export async function makeReports(
  folder: string,
  { environment, samples }: Recording,
  { dialects = false, slo = environment.plan.slo }: ReportOptions,
): Promise<void> {
  const plan = { ...environment.plan, slo };
  const input = { environment, plan, samples, summary: summarizeRun(samples, plan) };
  const inOtherWords = dialects ? { dialects: dialectText(input) } : {};
  await writeReports(folder, input, inOtherWords);
  print(textReport(input));
  if (inOtherWords.dialects) print(inOtherWords.dialects);
}

/** The reports of an earlier run again. */
export async function reportCommand({ operands, values }: Command): Promise<number> {
  const [folder = ""] = operands;
  const { dialects, slo } = values;
  const recording = await readRecording(folder);
  if (recording.cut !== undefined) printError(recording.cut);
  await makeReports(folder, recording, { dialects, ...(slo === undefined ? {} : { slo: parseSlo(slo) }) });
  return EXIT.done;
}
