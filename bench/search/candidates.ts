import {
  flagOf,
  INGRESS_SETTINGS,
  type SettingName,
  SETTINGS,
  type Settings,
} from "../../src/config/config.ts";
import { type ParsedSettings, parseSettings } from "../../src/config/parse.ts";
import { type Mode, modeOf, MODES } from "../../src/core/modes/modes.ts";
import type { Variant } from "../plan.ts";
import { nameOfVariant, shapes } from "../workload/variants.ts";

/** Assumed where the worker does not say how many sequences it runs at once. */
const ROWS = 64;

/** The grid that is searched when no settings are named; `rows` is how many sequences the worker runs at once. */
export function defaultCandidates(modes: readonly Mode[], rows: number | null): Variant[] {
  return modes.flatMap((mode) =>
    modeOf(mode).candidates(rows ?? ROWS).map((settings) => ({
      mode,
      settings,
      name: nameOfVariant({ mode, settings }),
    }))
  );
}

/** The one with the fewest settings to keep right; of those the one that puts the least on the worker at once. */
export function simplest(variants: readonly Variant[]): Variant | undefined {
  return variants.toSorted((a, b) => knobs(a) - knobs(b) || atWorker(a) - atWorker(b))[0];
}

function knobs({ mode, settings }: Variant): number {
  return Object.keys(settings).length + (mode === SETTINGS.ENGINE_MODE.fallback ? 0 : 1);
}

function atWorker({ mode, settings }: Variant): number {
  const { maxRunning = Infinity, maxGroup, maxGroups } = modeOf(mode ?? MODES[0]).law({
    ...parseSettings([], {}).settings,
    ...settings,
  });
  return Math.min(maxRunning, maxGroup * maxGroups);
}

const OF_THE_PLACE: readonly string[] = [
  "ENGINE_MODE",
  ...Object.keys(INGRESS_SETTINGS),
  "WORKER_ENDPOINT",
  "WORKER_PORT",
];

/** The command that serves with these settings: whatever differs from serve's own defaults. */
export function serveCommand({ mode, settings }: Variant, engine: ParsedSettings): string {
  const served = mode ?? MODES[0];
  const all: Settings = { ...engine.settings, ...settings };
  const chosen = new Set([...engine.given, ...Object.keys(settings) as SettingName[]]);
  const flags = [...chosen]
    .filter((name) => !OF_THE_PLACE.includes(name) && shapes(name, served))
    .filter((name) => all[name] !== SETTINGS[name].fallback)
    .sort()
    .map((name) => `${flagOf(name)} ${all[name]}`);
  return ["deno task serve", `--engine-mode ${served}`, ...flags].join(" ");
}
