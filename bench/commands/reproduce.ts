import { fileURLToPath } from "node:url";
import { parseSettings } from "../../src/config/parse.ts";
import { StartupError } from "../../src/core/errors.ts";
import type { Command } from "../cli/command.ts";
import { planOf } from "../cli/plan_of.ts";
import { summarizeRun } from "../metrics/summary.ts";
import { compareWith, type Publication, PUBLICATIONS, reproductionText } from "../reproduce/published.ts";
import { readWorkloadFile } from "../workload/file.ts";
import { conclude, EXIT, measured, tellFinding } from "./measured.ts";

const FOLDER = new URL("../reproduce/", import.meta.url);

/**
 * Runs the workload file of a publication on the simulated worker, and compares. Code 3: a figure is further off than the
 * tolerance.
 * @throws {StartupError} when there is no publication of that name
 */
export async function reproduceCommand(command: Command, stop: AbortSignal): Promise<number> {
  const { operands: [name = ""], values: { quick } } = command;
  const publication = Object.hasOwn(PUBLICATIONS, name) ? PUBLICATIONS[name] : undefined;
  if (!publication) {
    const names = Object.keys(PUBLICATIONS).join(", ");
    throw new StartupError([`what to reproduce must be one of ${names}, got ${JSON.stringify(name)}`]);
  }
  const workload = quick ? publication.quickWorkload : publication.workload;
  const plan = planOf(command, await readWorkloadFile(fileURLToPath(new URL(workload, FOLDER))));
  const left = await measured(command, { plan, engine: engineOf(publication, plan.timeoutMs), stop });
  if (!left) return EXIT.stopped;
  const { samples } = left.recording;
  const reproduction = compareWith(publication, plan, summarizeRun(samples, plan), samples);
  await tellFinding(left.folder, "reproduce", reproductionText(publication, reproduction, quick));
  const code = conclude(left, stop);
  return code === EXIT.done && reproduction.missed.length > 0 ? EXIT.missed : code;
}

/**
 * A worker of our own with the profile, whatever runs or is configured on this machine: settings of the user's
 * environment are no part of what was published.
 */
function engineOf({ profile }: Publication, timeoutMs: number) {
  // A worker inherits our environment, and finds settings of its own in it.
  const ofWorker = { SIM_PROFILE: profile, WORKER_MAX_ROWS: "", WORKER_SESSION: "" };
  for (const [name, value] of Object.entries(ofWorker)) Deno.env.set(name, value);
  return parseSettings([], {
    WORKER_BACKEND: "sim",
    WORKER_PORT: "0",
    WORKER_RPC_TIMEOUT_MS: String(timeoutMs),
    PYTHON: Deno.env.get("PYTHON") ?? "",
  });
}
