import {
  flagOf,
  INGRESS_SETTINGS,
  type SettingName,
  SETTINGS,
  type Settings,
} from "../../src/config/config.ts";
import type { ParsedSettings } from "../../src/config/parse.ts";
import { type Mode, MODES } from "../../src/core/types.ts";
import type { Variant } from "../plan.ts";
import { nameOfVariant } from "../workload/names.ts";
import { shapes } from "../workload/variant_settings.ts";

const WINDOWS_MS = [0, 10, 50];
const SIZES = [4, 16, 32];
const CONCURRENCIES = [1, 4, 16];
/** Powers of two, so many at most. */
const MOST_STREAMS = 7;
/** Where the worker does not say how much it runs at once. */
const ROWS = 64;

/** The grid that is searched when no settings are named; `rows` is how many sequences the worker runs at once. */
export function defaultCandidates(modes: readonly Mode[], rows: number | null): Variant[] {
  const most = rows ?? ROWS;
  const upTo = (values: readonly number[]) => values.filter((value) => value === values[0] || value <= most);
  const powers = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, power) => 2 ** power);
  const settings: { readonly [M in Mode]: readonly Partial<Settings>[] } = {
    direct: [{}],
    queued: upTo(CONCURRENCIES).map((QUEUED_CONCURRENCY) => ({ QUEUED_CONCURRENCY })),
    micro_batch: upTo(SIZES).flatMap((MAX_BATCH_SIZE) =>
      WINDOWS_MS.map((BATCH_WINDOW_MS) => ({ MAX_BATCH_SIZE, BATCH_WINDOW_MS }))
    ),
    continuous: powers.slice(-MOST_STREAMS).map((MAX_CONCURRENT_STREAMS) => ({ MAX_CONCURRENT_STREAMS })),
  };
  return modes.flatMap((mode) =>
    settings[mode].map((settings) => ({ mode, settings, name: nameOfVariant({ mode, settings }) }))
  );
}

/** The one with the fewest settings to keep right; of those the one that puts the least on the worker at once. */
export function simplest(variants: readonly Variant[]): Variant | undefined {
  return variants.toSorted((a, b) => knobs(a) - knobs(b) || atWorker(a) - atWorker(b))[0];
}

function knobs({ mode, settings }: Variant): number {
  return Object.keys(settings).length + (mode === "direct" ? 0 : 1);
}

function atWorker({ settings }: Variant): number {
  const { MAX_CONCURRENT_STREAMS, QUEUED_CONCURRENCY, MAX_BATCH_SIZE, BATCHES_IN_FLIGHT = 1 } = settings;
  return MAX_CONCURRENT_STREAMS || QUEUED_CONCURRENCY || (MAX_BATCH_SIZE ?? Infinity) * BATCHES_IN_FLIGHT;
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
