/** Reads the engine's settings from flags and the environment, and checks those that depend on each other. */
import { type CommandLine, flagsHelp, readCommandLine, shown } from "../cli/command_line.ts";
import type { Flag, FlagTable } from "../cli/flag.ts";
import { StartupError } from "../core/errors.ts";
import type { SettingTable } from "../core/setting.ts";
import { flagOf, GROUPS, SETTING_NAMES, type SettingName, SETTINGS, type Settings } from "./config.ts";

/** Settings that another one bounds. A default follows the bound; a given value beyond it is a problem. */
const BOUNDS = [
  { name: "DEFAULT_MAX_TOKENS", atMost: "MAX_TOKENS_LIMIT" },
  { name: "WORKER_ROW_TIMEOUT_MS", atLeast: "WORKER_RPC_TIMEOUT_MS" },
  { name: "QUEUE_BYTES", atLeast: "MAX_PROMPT_BYTES" },
  { name: "HTTP_BODY_BYTES", atLeast: "MAX_PROMPT_BYTES" },
] as const;

/** Settings that must be given together. */
const PAIRS = [["TLS_CERT", "TLS_KEY"], ["WORKER_TLS_CLIENT_CERT", "WORKER_TLS_CLIENT_KEY"]] as const;

export interface ParsedSettings {
  readonly settings: Settings;
  /** The settings that the environment or a flag gave. */
  readonly given: ReadonlySet<SettingName>;
}

/** The settings as flags: `--max-batch-size 8`, or in the environment MAX_BATCH_SIZE=8. */
export const SETTING_FLAGS: FlagTable = flagsOf(SETTINGS);

/** The setting of a flag, given without its dashes. */
export const SETTING_OF_FLAG: ReadonlyMap<string, SettingName> = new Map(
  SETTING_NAMES.map((name) => [nameOfFlag(name), name]),
);

/**
 * The settings of `serve`. Flags go before the environment, in which an empty value counts as not given.
 * @throws {StartupError} with one line for each problem
 */
export function parseSettings(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ParsedSettings & { readonly help: boolean } {
  const line = readCommandLine({ name: "serve", flags: SETTING_FLAGS }, args, env);
  const parsed = settingsOf(line);
  if (line.problems.length > 0 && !line.help) throw new StartupError(line.problems);
  return { ...parsed, help: line.help };
}

/** The settings among a command line's flags; adds what is wrong between them to its problems. */
export function settingsOf({ values, given: flags, problems }: CommandLine<FlagTable>): ParsedSettings {
  const settings = Object.fromEntries(
    SETTING_NAMES.map((name) => [name, values[nameOfFlag(name)] ?? SETTINGS[name].fallback]),
  ) as { -readonly [Name in SettingName]: Settings[Name] };
  const given = new Set(SETTING_NAMES.filter((name) => flags.has(nameOfFlag(name))));
  for (const bound of BOUNDS) {
    if (!given.has(bound.name)) settings[bound.name] = bounded(bound, settings);
  }
  problems.push(...boundProblems(settings));
  // Tenants share the limits of a mode, so requests may only choose another one where the operator allows it.
  if (settings.API_KEYS_FILE && !given.has("MODE_HINTS")) settings.MODE_HINTS = false;
  for (const [one, other] of PAIRS) {
    if (!settings[one] !== !settings[other]) problems.push(`${one} and ${other} must be given together`);
  }
  return { settings, given };
}

/** A line for each setting that is beyond its bound. */
export function boundProblems(settings: Settings): string[] {
  return BOUNDS.flatMap((bound) => {
    const value = settings[bound.name];
    if (value === bounded(bound, settings)) return [];
    const [rule, other] = "atMost" in bound
      ? ["at most", bound.atMost] as const
      : ["at least", bound.atLeast] as const;
    return [`${bound.name} must be ${rule} ${other} (${settings[other]}), got "${value}"`];
  });
}

function bounded(bound: (typeof BOUNDS)[number], settings: Settings): number {
  return "atMost" in bound
    ? Math.min(settings[bound.name], settings[bound.atMost])
    : Math.max(settings[bound.name], settings[bound.atLeast]);
}

/** The settings as lines for `--help`, under the headings of their groups. */
export function settingsHelp(): string {
  return Object.entries(GROUPS).map(([name, table]) => `${name}:\n${flagsHelp(flagsOf(table))}`).join("\n\n");
}

/** The settings as the tables of docs/configuration.md. */
export function settingsMarkdown(): string {
  return Object.entries(GROUPS).map(([heading, table]) => {
    const rows = Object.entries(table as SettingTable).map(([name, { fallback, help, rule }]) =>
      `| \`${name}\` | \`${flagOf(name as SettingName)}\` | \`${shown(fallback)}\` | ${rule} | ${help} |`
    );
    return [
      `### ${heading}`,
      "",
      "| variable | flag | default | must be | meaning |",
      "|---|---|---|---|---|",
      ...rows,
    ].join("\n");
  }).join("\n\n");
}

function flagsOf(table: SettingTable): FlagTable {
  return Object.fromEntries(
    Object.entries(table).map(([name, setting]): [string, Flag<unknown>] => {
      return [nameOfFlag(name as SettingName), { ...setting, variable: name, label: name }];
    }),
  );
}

function nameOfFlag(name: SettingName): string {
  return flagOf(name).slice(2);
}
