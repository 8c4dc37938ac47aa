import { relative } from "node:path";
import { StartupError } from "../../src/core/errors.ts";
import { print, printError } from "../../src/cli/output.ts";
import type { Command } from "../cli/command.ts";
import type { FlagName } from "../cli/flags.ts";
import { planOf } from "../cli/plan_of.ts";
import { compare, type Comparison } from "../compare/comparison.ts";
import { type Limit, parseLimits } from "../compare/gate.ts";
import { type Side, variantOf, wholeRun } from "../compare/cells.ts";
import { type Operands, readOperands } from "../compare/operand.ts";
import { comparisonText, writeComparison } from "../compare/text.ts";
import { parseSlo } from "../metrics/figure_names.ts";
import type { RunPlan, Slo, Variant } from "../plan.ts";
import { readRecording } from "../record/recorder.ts";
import type { WorkloadFile } from "../workload/file.ts";
import { checked } from "../workload/variants.ts";
import { conclude, EXIT, measured, workloadOf } from "./measured.ts";

/** With fewer rounds their resampling says little. */
const LEAST_ROUNDS = 6;
const DEFAULT_DURATION_MS = 60_000;

/** Compares two recordings, or measures two variants in turn and compares these. */
export async function compareCommand(command: Command, stop: AbortSignal): Promise<number> {
  const limits = parseLimits(command.values["fail-on"]);
  const slo = command.values.slo === undefined ? undefined : parseSlo(command.values.slo);
  const operands = await readOperands(command.operands);
  return operands.kind === "results"
    ? await compareResults(command, operands, slo, limits)
    : await compareEngines(command, operands, limits, stop);
}

async function compareResults(
  { given }: Command,
  { base, next }: Extract<Operands, { kind: "results" }>,
  slo: Slo | undefined,
  limits: readonly Limit[],
): Promise<number> {
  refuseFlags(given);
  const recordings = [await readRecording(base), await readRecording(next)] as const;
  for (const { cut } of recordings) if (cut !== undefined) printError(cut);
  const sides = [wholeRun(base, recordings[0]), wholeRun(next, recordings[1])] as const;
  return await tellComparison(next, sides, slo ?? sides[1].environment.plan.slo, limits);
}

/** What is measured already is compared as it is. */
function refuseFlags(given: ReadonlySet<FlagName>): void {
  const problems = [...given].filter((flag) => flag !== "fail-on" && flag !== "slo").map((flag) =>
    `--${flag} must be left out when BASE and NEW are folders with results, which are compared as they are`
  );
  if (problems.length > 0) throw new StartupError(problems);
}

async function compareEngines(
  command: Command,
  { base, next }: Extract<Operands, { kind: "engines" }>,
  limits: readonly Limit[],
  stop: AbortSignal,
): Promise<number> {
  const plan = comparisonPlan(command, await workloadOf(command), [base, next]);
  const left = await measured(command, { plan, stop });
  if (!left) return EXIT.stopped;
  const code = conclude(left, stop);
  if (code !== EXIT.done) return code;
  const sides = [variantOf(left.recording, base.name), variantOf(left.recording, next.name)] as const;
  return await tellComparison(left.folder, sides, plan.slo, limits);
}

/** The plan of `run` with two variants, and with more rounds and time where neither flags nor the file say these. */
export function comparisonPlan(
  command: Command,
  file: WorkloadFile,
  variants: readonly [base: Variant, next: Variant],
): RunPlan {
  const modes = [...new Set(variants.flatMap(({ mode }) => mode ?? []))];
  const { variants: _ignored, ...rest } = file;
  const plan = planOf(command, rest, { modes });
  const limited = plan.requests !== null || plan.durationMs !== null;
  return {
    ...plan,
    variants: checked(variants, command.engine.settings),
    rounds: command.given.has("rounds") ? plan.rounds : Math.max(LEAST_ROUNDS, plan.rounds),
    durationMs: limited ? plan.durationMs : DEFAULT_DURATION_MS,
  };
}

async function tellComparison(
  folder: string,
  [base, next]: readonly [Side, Side],
  slo: Slo,
  limits: readonly Limit[],
): Promise<number> {
  const comparison = compare(base, next, slo, limits);
  await writeComparison(folder, comparison);
  print(comparisonText(comparison));
  print(`compare.json and compare.md: ${relative(Deno.cwd(), folder) || "."}`);
  return exitCodeOf(comparison);
}

/** A limit that the samples can't decide must not pass for one that is kept. */
export function exitCodeOf({ limits }: Pick<Comparison, "limits">): number {
  if (limits.some(({ outcome }) => outcome === "broken")) return EXIT.missed;
  return limits.some(({ outcome }) => outcome === "undecided") ? EXIT.nothingMeasured : EXIT.done;
}
