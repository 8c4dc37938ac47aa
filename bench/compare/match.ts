import { StartupError } from "../../src/core/errors.ts";
import type { Load } from "../plan.ts";
import type { RunEnvironment } from "../record/environment.ts";
import type { Recording } from "../record/recorder.ts";
import type { Cell, Sample } from "../record/sample.ts";

/** One side of a comparison: a recording, or one variant of it. */
export interface Side {
  /** As the command line named it. */
  readonly name: string;
  readonly environment: RunEnvironment;
  readonly samples: readonly Sample[];
}

/** Two cells that are set against each other; the samples are of these alone. */
export interface MatchedCells {
  readonly load: Load;
  readonly base: { readonly variant: string; readonly samples: readonly Sample[] };
  readonly next: { readonly variant: string; readonly samples: readonly Sample[] };
}

/** A cell that only one side has. */
export interface UnmatchedCell extends Cell {
  readonly onlyIn: "BASE" | "NEW";
}

export interface Matching {
  readonly pairs: readonly MatchedCells[];
  readonly unmatched: readonly UnmatchedCell[];
}

export function wholeRun(name: string, { environment, samples }: Recording): Side {
  return { name, environment, samples };
}

/** The part of a recording that one of its variants makes. */
export function variantOf({ environment, samples }: Recording, variant: string): Side {
  return {
    name: variant,
    environment,
    samples: samples.filter((sample) => sample.variant === variant),
  };
}

/**
 * Cells of the same load and variant name; where each side has one variant, these are matched whatever they are called.
 * @throws {StartupError} when there is not one such pair.
 */
export function matchCells(base: Side, next: Side): Matching {
  const [baseCells, nextCells] = [cellsOf(base), cellsOf(next)];
  const [baseVariants, nextVariants] = [variantsIn(base), variantsIn(next)];
  const alone = baseVariants.length === 1 && nextVariants.length === 1;
  const partner = (variant: string) => alone ? nextVariants[0]! : variant;
  const taken = new Set<string>();
  const pairs: MatchedCells[] = [];
  const unmatched: UnmatchedCell[] = [];
  for (const samples of baseCells.values()) {
    const { variant, load: name } = samples[0]!;
    const other = keyOf(partner(variant), name);
    const others = nextCells.get(other);
    const load = next.environment.plan.loads.find((load) => load.name === name);
    if (!others || !load) unmatched.push({ onlyIn: "BASE", variant, load: name });
    else {
      taken.add(other);
      pairs.push({
        load,
        base: { variant, samples },
        next: { variant: partner(variant), samples: others },
      });
    }
  }
  for (const [key, [first]] of nextCells) {
    if (!taken.has(key)) unmatched.push({ onlyIn: "NEW", variant: first!.variant, load: first!.load });
  }
  if (pairs.length === 0) {
    throw new StartupError([
      `compare must be given two sides that share a load and a variant: BASE has ${
        cellNames(baseCells)
      }; NEW has ${cellNames(nextCells)}`,
    ]);
  }
  return { pairs, unmatched };
}

/** Measured samples by cell, in the order in which the cells were first measured. */
function cellsOf({ samples }: Side): Map<string, Sample[]> {
  const measured = samples.filter(({ phase }) => phase === "measured");
  return Map.groupBy(measured, ({ variant, load }) => keyOf(variant, load));
}

function variantsIn({ samples }: Side): string[] {
  return [...new Set(samples.map(({ variant }) => variant))];
}

function keyOf(variant: string, load: string): string {
  return `${variant}, ${load}`;
}

function cellNames(cells: ReadonlyMap<string, unknown>): string {
  return cells.size === 0 ? "nothing that was measured" : [...cells.keys()].join(" | ");
}
