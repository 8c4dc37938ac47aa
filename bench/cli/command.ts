import {
  flagsHelp,
  readCommandLine,
  subcommandOf,
  unknownCommand,
  wrapped,
} from "../../src/cli/command_line.ts";
import type { FlagTable } from "../../src/cli/flag.ts";
import { INGRESS_SETTINGS, type SettingName } from "../../src/config/config.ts";
import { type ParsedSettings, SETTING_FLAGS, SETTING_OF_FLAG, settingsOf } from "../../src/config/parse.ts";
import { StartupError } from "../../src/core/errors.ts";
import { COMMAND_NAMES, type CommandName, COMMANDS, commandSpec } from "./commands.ts";
import { type FlagName, FLAGS, type FlagValues } from "./flags.ts";

/** Batches as large as the most clients; the engine's own variables and flags go before these. */
export const ENGINE_DEFAULTS = { MAX_BATCH_SIZE: "32", BATCH_WINDOW_MS: "20" };

/** The run decides these itself. */
const NOT_FOR_BENCH: { readonly [Name in SettingName]?: string } = {
  ENGINE_MODE: "use --modes",
  ...Object.fromEntries(
    Object.keys(INGRESS_SETTINGS).map((name) => [
      name,
      "it starts its engines on free local ports for itself alone; for a running one use --target",
    ]),
  ),
};

/** What was typed, checked as far as one flag goes. */
export interface Command {
  readonly name: CommandName;
  readonly operands: readonly string[];
  readonly values: Readonly<FlagValues>;
  /** The flags that were typed. */
  readonly given: ReadonlySet<FlagName>;
  readonly engine: ParsedSettings;
  /** As typed, to be kept with the results. */
  readonly line: readonly string[];
}

/**
 * Reads the command line; settings of the engine come from flags and the environment, as for `serve`. `help` asks for
 * the help of a command, or of all.
 * @throws {StartupError} with one line for each problem.
 */
export function parseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Command | { readonly help: CommandName | undefined } {
  const found = subcommandOf(COMMAND_NAMES, { ...FLAGS, ...SETTING_FLAGS }, args);
  if (found.help) return { help: found.name };
  if (found.name === undefined && found.word !== undefined && !args[0]?.startsWith("-")) {
    throw new StartupError([unknownCommand("bench", COMMAND_NAMES, found.word)]);
  }
  const name = found.name ?? "run";
  const { operands: rule, takesSettings } = commandSpec(name);
  const line = readCommandLine(
    {
      name: `bench ${name}`,
      flags: flagsOf(name),
      ...(rule && { operands: rule }),
      others: {
        flags: { ...FLAGS, ...SETTING_FLAGS },
        why: (flag) => {
          const setting = SETTING_OF_FLAG.get(flag);
          return takesSettings && setting ? `is not for bench: ${NOT_FOR_BENCH[setting]}` : undefined;
        },
      },
    },
    found.rest,
    { ...ENGINE_DEFAULTS, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")) },
  );
  const { operands, values, typed, problems } = line;
  if (typed.has("target")) problems.push(...notWithTarget(typed));
  const engine = settingsOf(line);
  if (problems.length > 0) throw new StartupError(problems);
  const defaults = Object.fromEntries(Object.entries(FLAGS).map(([flag, { fallback }]) => [flag, fallback]));
  return {
    name,
    operands,
    values: { ...defaults, ...values } as FlagValues,
    given: typed as ReadonlySet<FlagName>,
    engine,
    line: ["bench", ...args],
  };
}

function flagsOf(name: CommandName): FlagTable {
  const { flags, takesSettings } = commandSpec(name);
  const settings = takesSettings ? Object.entries(SETTING_FLAGS).filter(([flag]) => isForBench(flag)) : [];
  return { ...Object.fromEntries(settings), ...Object.fromEntries(flags.map((flag) => [flag, FLAGS[flag]])) };
}

function isForBench(flag: string): boolean {
  return !(SETTING_OF_FLAG.get(flag)! in NOT_FOR_BENCH);
}

/** A running engine is measured as it is, so flags that shape one would be ignored. */
function notWithTarget(typed: ReadonlySet<string>): string[] {
  return [...typed]
    .filter((flag) => ["modes", "variant", "vary"].includes(flag) || SETTING_OF_FLAG.has(flag))
    .map((flag) => `--${flag} must be left out with --target, which measures an engine as it is`);
}

/** The help of one command, or of all of them. */
export function helpText(name: CommandName | undefined): string {
  return name === undefined ? overview() : commandHelp(name);
}

function overview(): string {
  const commands = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(10)} ${help}`);
  return `Usage: deno task bench [COMMAND] [FLAGS]      deno task bench COMMAND --help

Measures what each policy of the engine does to throughput and latency.

${commands.join("\n")}

Without a command: run.${COMMANDS.run.examples}

A run leaves a folder: samples.ndjson.gz and environment.json, from which summary.json, report.md and report.html are
made, again at any time. What the figures mean: docs/metrics.md.

${EXIT_CODES}`;
}

function commandHelp(name: CommandName): string {
  const { help, examples, flags, notes, operands, own, takesSettings } = commandSpec(name);
  const table = Object.fromEntries(flags.map((flag) => [flag, { ...FLAGS[flag], ...own?.[flag] }]));
  const engine = takesSettings ? [ENGINE_SETTINGS] : [];
  return [
    `Usage: deno task bench ${name}${operands ? ` ${operands.usage}` : ""} [FLAGS]`,
    `${help}\n${examples}`,
    `Flags:\n${flagsHelp(table)}`,
    ...(notes === undefined ? [] : [notes]),
    ...engine,
    EXIT_CODES,
  ].join("\n\n");
}

const ENGINE_SETTINGS = wrapped(
  `Every setting of the engine is a flag and an environment variable here too (see deno task serve --help), except ${
    Object.keys(NOT_FOR_BENCH).join(", ")
  }. The bench has its own defaults for ${
    Object.entries(ENGINE_DEFAULTS).map((entry) => entry.join("=")).join(" and ")
  }.`,
);

const EXIT_CODES =
  `Ctrl-C stops the run and reports what was measured. Exit codes: 0 done, also when requests failed (the report
counts them); 1 nothing could be measured, or an engine or the worker ended; 2 a wrong flag, file or setting; 3 a figure
is outside what was asked for; 130 stopped by Ctrl-C.`;
