import { StartupError } from "../../src/core/errors.ts";
import type { Command } from "../cli/command.ts";
import { summarizeRun } from "../metrics/summary.ts";
import { A40 } from "../reproduce/a40.ts";
import { compareAlone, compareRows, comparisonText } from "../reproduce/compare.ts";
import { measureRows, reproducedRows } from "../reproduce/measure.ts";
import type { Publication } from "../reproduce/published.ts";
import { conclude, EXIT, measured, resultsFolder, tellFinding } from "./measured.ts";
import { makeReports } from "./report.ts";

const PUBLICATIONS: Readonly<Record<string, Publication>> = { a40: A40 };

/**
 * Runs a published measurement on the simulated worker. Code 3: a figure is further off than the tolerance.
 * @throws {StartupError} when there is no publication of that name
 */
export async function reproduceCommand(command: Command, stop: AbortSignal): Promise<number> {
  const { operands: [name = ""], values: { quick }, line } = command;
  const publication = Object.hasOwn(PUBLICATIONS, name) ? PUBLICATIONS[name] : undefined;
  if (!publication) {
    const names = Object.keys(PUBLICATIONS).join(", ");
    throw new StartupError([`what to reproduce must be one of ${names}, got ${JSON.stringify(name)}`]);
  }
  const folder = resultsFolder(command);
  const rows = reproducedRows(publication, quick);
  const left = await measured(folder, stop, () => measureRows(publication, rows, line, folder, stop));
  if (!left) return EXIT.stopped;
  const { recording: { environment, samples } } = left;
  await makeReports(folder, left.recording, {});
  const compared = compareRows(rows, summarizeRun(samples, environment.plan));
  const alone = compareAlone(publication, rows, samples);
  await tellFinding(folder, "reproduce", comparisonText(publication, compared, alone, quick));
  const code = conclude(left, stop);
  const missed = alone.missed || compared.some(({ tokenRate, tpot }) => tokenRate.missed || tpot.missed);
  return code === EXIT.done && missed ? EXIT.missed : code;
}
