/** Two sides set against each other: pure figures and verdicts, from samples alone. The content of compare.json. */
import type { FigureName } from "../metrics/figure_names.ts";
import { statesLimits } from "../metrics/requests.ts";
import type { Slo } from "../plan.ts";
import type { RunEnvironment } from "../record/environment.ts";
import { compareCells, type ComparedCell, matchCells, type Side, type UnmatchedCell } from "./cells.ts";
import { judge, type Judgement, type Limit, notInNew } from "./gate.ts";

/** What every comparison shows, with goodput where an SLO is stated. */
const FIGURES: readonly FigureName[] = [
  ...["req_s", "out_tok_s", "ttft_p50", "ttft_p95", "tpot_p50", "tpot_p95"] as const,
  ...["itl_p99", "e2e_p50", "e2e_p95", "e2e_p99"] as const,
];

/** compare.json. */
export interface Comparison {
  readonly schema: 1;
  readonly base: { readonly name: string; readonly startedAt: string };
  readonly next: { readonly name: string; readonly startedAt: string };
  /** In what the sides differ: settings, machine, model, commit, requests. */
  readonly differences: readonly string[];
  readonly unmatched: readonly UnmatchedCell[];
  readonly slo: Slo;
  readonly cells: readonly ComparedCell[];
  /** How many ratios have an interval, and how many of these exclude 1. */
  readonly intervals: number;
  readonly shown: number;
  readonly limits: readonly Judgement[];
}

/**
 * Compares NEW with BASE under one SLO, for goodput means nothing across two.
 * @throws {StartupError} when they have no cell in common
 */
export function compare(base: Side, next: Side, slo: Slo, limits: readonly Limit[]): Comparison {
  const { pairs, unmatched } = matchCells(base, next);
  const figures = figuresWith(slo, limits);
  const cells = pairs.map((pair) => compareCells(pair, slo, figures));
  const ratios = cells.flatMap(({ figures }) => figures)
    .filter(({ change, ratio }) => change !== "unknown" && !Number.isNaN(ratio.low));
  return {
    schema: 1,
    base: { name: base.name, startedAt: base.environment.startedAt },
    next: { name: next.name, startedAt: next.environment.startedAt },
    differences: differences(
      base.environment,
      next.environment,
      pairs.map(({ base, next }) => [base.variant, next.variant] as const),
    ),
    unmatched,
    slo,
    cells,
    intervals: ratios.length,
    shown: ratios.filter(({ change }) => change === "better" || change === "worse").length,
    limits: limits.flatMap((limit) => [
      ...cells.map((cell) => judge(limit, cell)),
      ...unmatched.filter(({ onlyIn }) => onlyIn === "BASE").map((cell) => notInNew(limit, cell)),
    ]),
  };
}

function figuresWith(slo: Slo, limits: readonly Limit[]): FigureName[] {
  const goodput: FigureName[] = statesLimits(slo) ? ["goodput"] : [];
  return [...new Set([...FIGURES, ...goodput, ...limits.map(({ figure }) => figure)])];
}

/** Names within an environment whose difference says nothing, or is told in words of its own. */
const UNTOLD = [
  "startedAt",
  "command",
  "machine.loadAverage",
  "versions.v8",
  "versions.typescript",
  "engine.WORKER_ENDPOINT",
  "engine.WORKER_PORT",
  "worker.endpoint",
  "worker.startedByBench",
  "plan.variants",
  "plan.loads",
];

/**
 * Lists the conditions in which two sides differ, a line for each, as in `machine.cores: 2 against 8`. `variants` are the
 * pairs of names that are compared.
 */
function differences(
  base: RunEnvironment,
  next: RunEnvironment,
  variants: readonly (readonly [base: string, next: string])[],
): string[] {
  const loads = base.plan.loads.flatMap((load) => {
    const same = next.plan.loads.find(({ name }) => name === load.name);
    return same ? differing(load, same, `load ${load.name}: `) : [];
  });
  const settings = variants.flatMap(([one, other]) => {
    const between = one === other ? `variant ${one}: ` : `variants ${one} and ${other}: `;
    return differing(definitionOf(base, one), definitionOf(next, other), between);
  });
  return [...new Set([...settings, ...differing(base, next), ...loads, ...uncommitted(base, next)])];
}

function definitionOf({ plan }: RunEnvironment, variant: string): object {
  const { name: _, ...definition } = plan.variants.find(({ name }) => name === variant) ?? { name: variant };
  return definition;
}

/** The same commit is not the same code when files were changed. */
function uncommitted(base: RunEnvironment, next: RunEnvironment): string[] {
  const unknown = base.git?.changed && next.git?.changed && base.startedAt !== next.startedAt;
  return unknown ? ["uncommitted changes, which both had: the code may differ more than the commits"] : [];
}

function differing(base: object, next: object, prefix = ""): string[] {
  const [left, right] = [leavesOf(base), leavesOf(next)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((path) => left.get(path) !== right.get(path))
    .filter((path) => prefix !== "" || !UNTOLD.some((name) => path === name || path.startsWith(`${name}.`)))
    .map((path) => `${prefix}${path}: ${left.get(path) ?? "none"} against ${right.get(path) ?? "none"}`);
}

/** `a.b.c` to the value as text; what is null is not there. */
function leavesOf(value: object, path = ""): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined || inner === null) continue;
    const here = path === "" ? name : `${path}.${name}`;
    if (typeof inner !== "object") leaves.set(here, String(inner));
    else leavesOf(inner, here).forEach((text, leaf) => leaves.set(leaf, text));
  }
  return leaves;
}
