import { parseSettings } from "../../src/config/parse.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Load, RunPlan, Variant } from "../plan.ts";
import { Lab, type Subject } from "../run/lab.ts";
import { showTurn } from "../run/progress.ts";
import { nameOfLoad, nameOfVariant } from "../workload/names.ts";
import type { Publication, PublishedLoad, PublishedRow } from "./published.ts";

/** Longer than any request of a publication waits for its turn. */
const PATIENCE_MS: Millis = 1_200_000;

/** A published row as a cell of a run. */
export interface ReproducedRow {
  readonly published: PublishedRow;
  /** What is measured: the published load, or the quick one. */
  readonly asked: PublishedLoad;
  readonly variant: Variant;
  readonly load: Load;
}

/** "So many at once" is the gate of continuous mode: the clients beyond it wait in the engine's queue. */
export function reproducedRows({ rows }: Publication, quick: boolean): ReproducedRow[] {
  return rows.flatMap((published) => {
    const asked = quick ? published.quick : published.load;
    if (asked === null) return [];
    const settings = { MAX_CONCURRENT_STREAMS: published.atOnce };
    const variant: Variant = {
      name: nameOfVariant({ mode: "continuous", settings }),
      mode: "continuous",
      settings,
    };
    const closed = { kind: "closed", concurrency: asked.clients } as const;
    return [{ published, asked, variant, load: { ...closed, name: nameOfLoad(closed) } }];
  });
}

/** Each row has limits of its own, so the plan has none. */
export function planOfRows(
  { promptTokens, outputTokens }: Publication,
  rows: readonly ReproducedRow[],
): RunPlan {
  const length = { kind: "fixed", tokens: promptTokens } as const;
  return {
    variants: unique(rows.map(({ variant }) => variant)),
    loads: unique(rows.map(({ load }) => load)),
    mix: {
      classes: [{
        name: "published",
        weight: 1,
        prompt: { kind: "tokens", length, sharedPrefix: 0, prefixes: 1 },
        output: { kind: "fixed", tokens: outputTokens },
        exactOutput: true,
        tenants: [{ name: "bench", weight: 1 }],
      }],
    },
    seed: 1,
    rounds: 1,
    requests: null,
    durationMs: null,
    stream: true,
    timeoutMs: PATIENCE_MS,
    slo: {},
  };
}

/**
 * Measures every row once, in the published order, and leaves the recording in `folder`. Settings of the user's
 * environment are left out: they are no part of what was published. Returns what went wrong with engines.
 * @throws as `Lab.open` and `Lab.turn`
 */
export async function measureRows(
  publication: Publication,
  rows: readonly ReproducedRow[],
  command: readonly string[],
  folder: string,
  stop: AbortSignal,
): Promise<readonly string[]> {
  await using lab = await Lab.open(
    planOfRows(publication, rows),
    subjectOf(publication),
    command,
    folder,
    stop,
  );
  for (const [done, { variant, load, asked }] of rows.entries()) {
    if (stop.aborted) break;
    const limits = { requests: asked.requests, durationMs: Infinity };
    using progress = showTurn(`[${done + 1}/${rows.length}] ${variant.name}, ${load.name}`, limits);
    await lab.turn({ variant, load, round: 0, limits, progress });
  }
  return lab.problems;
}

/** A worker of our own with the profile, whatever runs or is configured on this machine. */
function subjectOf({ profile }: Publication): Subject {
  // A worker inherits our environment, and finds settings of its own in it.
  for (
    const [name, value] of Object.entries({ SIM_PROFILE: profile, WORKER_MAX_ROWS: "", WORKER_SESSION: "" })
  ) {
    Deno.env.set(name, value);
  }
  const engine = parseSettings([], {
    WORKER_BACKEND: "sim",
    WORKER_PORT: "0",
    WORKER_RPC_TIMEOUT_MS: String(PATIENCE_MS),
    PYTHON: Deno.env.get("PYTHON") ?? "",
  });
  return { engine, target: undefined };
}

function unique<T extends { readonly name: string }>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [item.name, item])).values()];
}
