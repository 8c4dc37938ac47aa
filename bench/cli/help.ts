import { flagsHelp, wrapped } from "../../src/cli/command_line.ts";
import { type CommandName, COMMANDS, commandSpec } from "./commands.ts";
import { ENGINE_DEFAULTS, NOT_FOR_BENCH } from "./command.ts";
import { FLAGS } from "./flags.ts";

/** Of one command, or of all of them. */
export function helpText(name: CommandName | undefined): string {
  return name === undefined ? overview() : commandHelp(name);
}

function overview(): string {
  const commands = Object.entries(COMMANDS).map(([name, { help }]) => `  ${name.padEnd(10)} ${help}`);
  return `Usage: deno task bench [COMMAND] [FLAGS]      deno task bench COMMAND --help

Measures what each policy of the engine does to throughput and latency.

${commands.join("\n")}

Without a command: run.
${examplesOf("run")}

A run leaves a folder: samples.ndjson.gz and environment.json, from which summary.json, report.md and report.html are
made, again at any time. What the figures mean: docs/metrics.md.

${EXIT_CODES}`;
}

function commandHelp(name: CommandName): string {
  const { help, flags, notes, operands, own, takesSettings } = commandSpec(name);
  const table = Object.fromEntries(flags.map((flag) => [flag, { ...FLAGS[flag], ...own?.[flag] }]));
  const engine = takesSettings ? [ENGINE_SETTINGS] : [];
  const usage = operands === undefined ? "" : ` ${operands.usage}`;
  return [
    `Usage: deno task bench ${name}${usage} [FLAGS]`,
    help,
    examplesOf(name),
    `Flags:\n${flagsHelp(table)}`,
    ...(notes === undefined ? [] : [notes]),
    ...engine,
    EXIT_CODES,
  ].join("\n\n");
}

function examplesOf(name: CommandName): string {
  return commandSpec(name).examples.map(([line, what]) => `  ${line}\n      ${what}`).join("\n");
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
