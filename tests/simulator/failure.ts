import type { Broken } from "./oracle/broken.ts";
import { type Mode, modeOf, MODES, type ModeSettings } from "../../src/core/modes/modes.ts";
import type { MakeCore } from "./engine.ts";
import { type Fault, type Scenario, scenarioOf } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { Story } from "./trace.ts";

/** A run in which a promise broke, made small: fewer requests and fewer faults that still break the same one. */
export interface Failure {
  readonly seed: number;
  readonly requests: number;
  readonly without: readonly Fault[];
  readonly broken: Broken;
}

/** Runs that shrinking may cost. */
const TRIES = 200;

/** The smallest failure found from this seed's: the prefix of its requests, without the faults that play no part. */
export function shrink(
  { seed, requests, faults }: Scenario,
  without: readonly Fault[],
  broken: Broken,
  makeCore: MakeCore,
): Failure {
  let best: Failure = { seed, requests, without, broken };
  let tries = TRIES;
  const attempt = (smaller: Pick<Failure, "requests" | "without">): boolean => {
    if (tries-- <= 0) return false;
    const run = simulate(scenarioOf(seed, smaller), makeCore);
    if (run.broken?.promise !== broken.promise) return false;
    best = { seed, ...smaller, broken: run.broken };
    return true;
  };
  const fewer = () => {
    for (let cut = best.requests >> 1; cut > 0;) {
      if (!attempt({ ...best, requests: best.requests - cut })) cut >>= 1;
      else cut = Math.min(cut, best.requests >> 1);
    }
  };
  fewer();
  for (const fault of faults) attempt({ ...best, without: [...best.without, fault] });
  fewer();
  return best;
}

/** What to tell of it: the promise, when and about whom it broke, what came before, and how to see it again. */
export function report(
  { seed, requests, without, broken }: Failure,
  makeCore: MakeCore,
  bug?: string,
): string {
  const story = new Story();
  const scenario = scenarioOf(seed, { requests, without });
  const { lastedMs } = simulate(scenario, makeCore, story.trace);
  const { mode, limits, workers, faults } = scenario;
  const command = ["deno task simulate", `--seed ${seed}`, `--requests ${requests}`];
  if (without.length > 0) command.push(`--without ${without.join(",")}`);
  if (bug) command.push(`--bug ${bug}`);
  return [
    `BROKEN after ${lastedMs} virtual ms: ${broken.promise}`,
    `  ${broken.ticket === undefined ? "" : `request ${broken.ticket}: `}${broken.detail}`,
    `settings: ${JSON.stringify({ ...settingsOf(mode.ENGINE_MODE, mode), ...limits })}`,
    ...lanesOf(scenario),
    ...workers.map((worker, id) => `worker ${id}: ${JSON.stringify(worker)}`),
    `faults: ${[...faults].join(" ") || "none"}`,
    "what the core heard (<-) and did (->):",
    ...story.last(30, broken.ticket),
    `again: ${command.join(" ")}`,
  ].join("\n");
}

/** What else requests ask for, one line each. */
function lanesOf({ mode, traffic }: Scenario): string[] {
  if (traffic.hintChance === 0) return [];
  const others = MODES.filter((other) => other !== mode.ENGINE_MODE);
  return others.map((other) => `asked for too: ${JSON.stringify(settingsOf(other, mode))}`);
}

function settingsOf(mode: Mode, settings: ModeSettings): Record<string, unknown> {
  const names = Object.keys(modeOf(mode).settings) as (keyof ModeSettings)[];
  return { mode, ...Object.fromEntries(names.map((name) => [name, settings[name]])) };
}
