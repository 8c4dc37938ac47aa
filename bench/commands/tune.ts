import { now } from "../../src/clock.ts";
import { StartupError } from "../../src/core/errors.ts";
import { MODES } from "../../src/core/modes/modes.ts";
import type { Command } from "../cli/command.ts";
import { planOf } from "../cli/plan_of.ts";
import { statesLimits } from "../metrics/requests.ts";
import type { Load, RunPlan, Variant } from "../plan.ts";
import { Lab } from "../run/lab.ts";
import { defaultCandidates } from "../search/candidates.ts";
import { type Candidate, splitConstraints, tune, type Tuned, type Tuning } from "../search/tune.ts";
import { tuningText } from "../search/tuning_text.ts";
import { conclude, EXIT, measured, resultsFolder, tellFinding, workloadOf } from "./measured.ts";
import { makeReports } from "./report.ts";

/** Finds the settings with the best goodput for one load. A stop leaves what is known so far. */
export async function tuneCommand(command: Command, stop: AbortSignal): Promise<number> {
  const file = await workloadOf(command);
  const { slo, constraints } = splitConstraints(command.values.slo ?? "");
  const values = command.values.slo === undefined ? command.values : { ...command.values, slo };
  const plan = planOf({ ...command, values }, file);
  const load = onlyLoad(plan);
  const ownGrid = !["modes", "variant", "vary"].some((flag) => command.given.has(flag as "modes")) &&
    file.variants === undefined;
  const onlyModes = command.given.has("modes") && !command.given.has("vary") && !command.given.has("variant");
  const { engine, line } = command;
  const folder = resultsFolder(command);
  const tuning: Tuning = { plan, load, constraints };
  const tuned: Tuned = { finalists: [], dropped: [], turns: 0, complete: false };
  const startedAt = now();
  const left = await measured(folder, stop, async () => {
    const begun = { ...plan, variants: [], rounds: 1 };
    await using lab = await Lab.open({ plan: begun, engine, target: undefined, command: line, folder, stop });
    const variants = ownGrid || onlyModes
      ? await grid(lab, onlyModes ? command.values.modes : MODES, plan.variants)
      : plan.variants;
    tuned.finalists = variants.map((variant): Candidate => ({ variant, samples: [] }));
    await tune(lab, tuned, tuning, stop);
    return lab.problems;
  });
  if (!left) return EXIT.stopped;
  await makeReports(folder, left.recording, {});
  await tellFinding(folder, "tune", `\n${tuningText(tuned, tuning, engine, now() - startedAt)}`);
  return conclude(left, stop);
}

/** @throws {StartupError} */
function onlyLoad({ loads, slo }: RunPlan): Load {
  const [load, ...more] = loads;
  const problems: string[] = [];
  if (!load || more.length > 0) {
    problems.push(
      `tune must be given one load, as --rate 6 or --concurrency 16, got ${
        loads.map(({ name }) => name).join(", ")
      }`,
    );
  }
  if (!statesLimits(slo)) {
    problems.push("tune must be given an --slo, as ttft_p95=500ms,tpot_p95=50ms, got none");
  }
  if (!load || problems.length > 0) throw new StartupError(problems);
  return load;
}

/** The worker tells how much it runs at once when the first engine has met it. */
async function grid(
  lab: Lab,
  modes: Parameters<typeof defaultCandidates>[0],
  [any]: readonly Variant[],
): Promise<readonly Variant[]> {
  return defaultCandidates(modes, any ? await lab.rowsOfWorker(any) : null);
}
