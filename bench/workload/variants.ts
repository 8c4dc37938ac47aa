/** Ways to run the engine: a mode and the settings that differ, as flags write them, and their combinations. */
import {
  INGRESS_SETTINGS,
  LOCAL_WORKER_SETTINGS,
  SETTING_NAMES,
  type SettingName,
  SETTINGS,
  type Settings,
  WORKER_SETTINGS,
} from "../../src/config/config.ts";
import { boundProblems } from "../../src/config/parse.ts";
import { StartupError } from "../../src/core/errors.ts";
import { type Mode, MODE_SETTINGS, modeOf, MODES } from "../../src/core/modes/modes.ts";
import type { Variant } from "../plan.ts";

/** A variant before it has its name. */
export interface UnnamedVariant {
  readonly mode: Mode;
  readonly settings: Partial<Settings>;
}

/** One worker serves all variants, and the lab itself says where engines listen and in which mode they run. */
const FIXED = { ENGINE_MODE: true, ...INGRESS_SETTINGS, ...WORKER_SETTINGS, ...LOCAL_WORKER_SETTINGS };

/** The engine settings that one variant may have otherwise than another. */
export const VARIANT_SETTINGS: readonly SettingName[] = SETTING_NAMES.filter((name) => !(name in FIXED));

const MOST_VARIANTS = 64;

/** "micro_batch", or "micro_batch BATCH_WINDOW_MS=5 MAX_BATCH_SIZE=16" with the settings in alphabetical order. */
export function nameOfVariant({ mode, settings }: Pick<Variant, "mode" | "settings">): string {
  const names = (Object.keys(settings) as SettingName[]).sort();
  return [mode ?? "as it runs", ...names.map((name) => `${name}=${settings[name]}`)].join(" ");
}

/** Whether the mode is another one with another value of the setting: not with one that shapes other modes alone. */
export function shapes(setting: SettingName, mode: Mode): boolean {
  return setting in modeOf(mode).settings || !(setting in MODE_SETTINGS);
}

/** Reads `micro_batch,BATCH_WINDOW_MS=5,MAX_BATCH_SIZE=16`. @throws {StartupError} */
export function parseVariant(text: string): UnnamedVariant {
  const [modeText, ...assignments] = text.split(",");
  const mode = MODES.find((known) => known === modeText);
  if (!mode) throw new StartupError([`a variant must begin with one of ${MODES.join(", ")}, got "${text}"`]);
  const settings = assignments.map((assignment) => {
    const [name = "", ...value] = assignment.split("=");
    return [name, parseSetting(name, value.join("="))];
  });
  return { mode, settings: Object.fromEntries(settings) };
}

/** A setting and the values of it to try. */
interface Varied {
  readonly setting: SettingName;
  readonly values: readonly unknown[];
}

/** Reads `BATCH_WINDOW_MS=0,10,50`. @throws {StartupError} */
function parseVaried(text: string): Varied {
  const [name = "", list = ""] = text.split("=");
  return { setting: name as SettingName, values: list.split(",").map((value) => parseSetting(name, value)) };
}

function parseSetting(name: string, text: string): unknown {
  const known = VARIANT_SETTINGS.find((setting) => setting === name);
  if (!known) {
    throw new StartupError([
      `a variant must change settings of the engine (deno task serve --help), got "${name}"`,
    ]);
  }
  const { parse, rule } = SETTINGS[known];
  const value = parse(text);
  if (value === undefined) throw new StartupError([`${name} must be ${rule}, got ${JSON.stringify(text)}`]);
  return value;
}

/** Each variant with every combination of the varied settings that shape it. @throws {StartupError} */
export function varied(bases: readonly UnnamedVariant[], vary: readonly string[]): readonly Variant[] {
  const all = vary.map(parseVaried);
  const idle = all.find(({ setting }) => !bases.some(({ mode }) => shapes(setting, mode)));
  if (idle) {
    const modes = [...new Set(bases.map(({ mode }) => mode))].join(", ");
    throw new StartupError([
      `--vary must name a setting that shapes a measured mode (${modes}), got "${idle.setting}"`,
    ]);
  }
  return distinct(bases.flatMap(({ mode, settings }) =>
    all.filter(({ setting }) => shapes(setting, mode))
      .reduce<Partial<Settings>[]>(
        (some, { setting, values }) =>
          some.flatMap((chosen) => values.map((value) => ({ ...chosen, [setting]: value }))),
        [settings],
      )
      .map((settings) => ({ mode, settings }))
  ));
}

/** Each variant with every combination of settings that its mode has to offer for a worker of `rows` rows. */
export function withCandidates(bases: readonly UnnamedVariant[], rows: number): readonly Variant[] {
  return distinct(
    bases.flatMap(({ mode, settings }) =>
      modeOf(mode).candidates(rows).map((chosen) => ({ mode, settings: { ...chosen, ...settings } }))
    ),
  );
}

/** Names variants, and leaves out those of which there is one already. @throws {StartupError} */
function distinct(variants: readonly UnnamedVariant[]): readonly Variant[] {
  const named = variants.map((one) => ({ ...one, name: nameOfVariant(one) }));
  const distinct = [...new Map(named.map((one) => [one.name, one])).values()];
  if (distinct.length > MOST_VARIANTS) {
    throw new StartupError([`--vary must make at most ${MOST_VARIANTS} variants, got ${distinct.length}`]);
  }
  return distinct;
}

/** The variants. @throws {StartupError} for settings that do not go together with the common ones */
export function checked(variants: readonly Variant[], common: Settings): readonly Variant[] {
  const problems = variants.flatMap(({ name, settings }) =>
    boundProblems({ ...common, ...settings }).map((problem) => `${name}: ${problem}`)
  );
  if (problems.length > 0) throw new StartupError(problems);
  return variants;
}
