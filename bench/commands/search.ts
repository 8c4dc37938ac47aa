/** The commands that search: they decide from what they measured what to measure next. */
import { now } from "../../src/clock.ts";
import { StartupError } from "../../src/core/errors.ts";
import { MODES } from "../../src/core/modes/modes.ts";
import type { Command } from "../cli/command.ts";
import { planOf } from "../cli/plan_of.ts";
import { statesLimits } from "../metrics/requests.ts";
import type { Load, RunPlan } from "../plan.ts";
import { Lab } from "../run/lab.ts";
import { defaultCandidates } from "../search/candidates.ts";
import { saturate, type VariantSaturation } from "../search/saturate.ts";
import { saturationText } from "../search/saturation_text.ts";
import { type Candidate, splitConstraints, tune, type Tuned, type Tuning } from "../search/tune.ts";
import { tuningText } from "../search/tuning_text.ts";
import { named, poisson } from "../workload/arrivals.ts";
import { conclude, EXIT, measured, tellFinding, workloadOf } from "./measured.ts";

/** Finds the highest open-loop rate that each variant keeps up with. A stop leaves what is known so far. */
export async function saturateCommand(command: Command, stop: AbortSignal): Promise<number> {
  const plan = { ...planOf(command, await workloadOf(command)), loads: [], rounds: 1 };
  const { arrivals = poisson } = command.values;
  const loadOf = (rate: number) => named({ kind: "open", arrivals: arrivals(rate) });
  const found = plan.variants.map((variant): VariantSaturation => ({ variant, trials: [], answer: null }));
  const left = await measured(command, { plan, stop }, async (asked) => {
    await using lab = await Lab.open(asked);
    for (const one of found) if (!stop.aborted) await saturate(lab, one, plan, loadOf, stop);
    return lab.problems;
  });
  if (!left) return EXIT.stopped;
  await tellFinding(left.folder, "saturate", found.map((one) => `\n${saturationText(one)}`).join("\n"));
  return conclude(left, stop);
}

/** Finds the settings with the best goodput for one load. A stop leaves what is known so far. */
export async function tuneCommand(command: Command, stop: AbortSignal): Promise<number> {
  const file = await workloadOf(command);
  const { values, given } = command;
  const { slo, constraints } = splitConstraints(values.slo ?? "");
  const plan = planOf(values.slo === undefined ? command : { ...command, values: { ...values, slo } }, file);
  const load = onlyLoad(plan);
  const namesSettings = given.has("variant") || given.has("vary");
  const searched = given.has("modes") ? values.modes : file.variants ? undefined : MODES;
  const tuning: Tuning = { plan, load, constraints };
  const tuned: Tuned = { finalists: [], dropped: [], turns: 0, complete: false };
  const startedAt = now();
  const begun = { ...plan, variants: [], rounds: 1 };
  const left = await measured(command, { plan: begun, stop }, async (asked) => {
    await using lab = await Lab.open(asked);
    const [any] = plan.variants;
    const variants = namesSettings || !searched
      ? plan.variants
      // The worker says how much it runs at once when the first engine is connected to it.
      : defaultCandidates(searched, any ? await lab.rowsOfWorker(any) : null);
    tuned.finalists = variants.map((variant): Candidate => ({ variant, samples: [] }));
    await tune(lab, tuned, tuning, stop);
    return lab.problems;
  });
  if (!left) return EXIT.stopped;
  await tellFinding(left.folder, "tune", `\n${tuningText(tuned, tuning, command.engine, now() - startedAt)}`);
  return conclude(left, stop);
}

/** @throws {StartupError} */
function onlyLoad({ loads, slo }: RunPlan): Load {
  const [load, ...more] = loads;
  const problems: string[] = [];
  if (!load || more.length > 0) {
    const names = loads.map(({ name }) => name).join(", ");
    problems.push(`tune must be given one load, as --rate 6 or --concurrency 16, got ${names}`);
  }
  if (!statesLimits(slo)) {
    problems.push("tune must be given an --slo, as ttft_p95=500ms,tpot_p95=50ms, got none");
  }
  if (!load || problems.length > 0) throw new StartupError(problems);
  return load;
}
