import type { RunEnvironment } from "../record/environment.ts";

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
 * In what two sides differ: a line for each name, `machine.cores: 2 against 8`. `variants` are the pairs of names that are
 * compared.
 */
export function differences(
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
