import type { Command } from "../cli/command.ts";
import { planOf } from "../cli/plan_of.ts";
import { Lab } from "../run/lab.ts";
import { saturate, type VariantSaturation } from "../search/saturate.ts";
import { saturationText } from "../search/saturation_text.ts";
import { named, poisson } from "../workload/arrivals.ts";
import { conclude, EXIT, measured, resultsFolder, tellFinding, workloadOf } from "./measured.ts";
import { makeReports } from "./report.ts";

/** Finds the highest open-loop rate that each variant keeps up with. A stop leaves what is known so far. */
export async function saturateCommand(command: Command, stop: AbortSignal): Promise<number> {
  const plan = { ...planOf(command, await workloadOf(command)), loads: [], rounds: 1 };
  const { engine, values: { target, arrivals = poisson }, line } = command;
  const loadOf = (rate: number) => named({ kind: "open", arrivals: arrivals(rate) });
  const folder = resultsFolder(command);
  const found = plan.variants.map((variant): VariantSaturation => ({ variant, trials: [], answer: null }));
  const left = await measured(folder, stop, async () => {
    await using lab = await Lab.open({ plan, engine, target, command: line, folder, stop });
    for (const one of found) if (!stop.aborted) await saturate(lab, one, plan, loadOf, stop);
    return lab.problems;
  });
  if (!left) return EXIT.stopped;
  await makeReports(folder, left.recording, {});
  await tellFinding(folder, "saturate", found.map((one) => `\n${saturationText(one)}`).join("\n"));
  return conclude(left, stop);
}
