/** `deno task bench`: see `deno task bench --help`. */
import { StartupError } from "../src/core/errors.ts";
import { print, printError } from "../src/cli/output.ts";
import { watchLaunchers } from "../src/serve/launchers.ts";
import { StopSignal } from "../src/cli/stop_signal.ts";
import { type Command, helpText, parseCommand } from "./cli/command.ts";
import type { CommandName } from "./cli/commands.ts";
import { compareCommand } from "./commands/compare.ts";
import { EXIT, problemsOf } from "./commands/measured.ts";
import { reproduceCommand } from "./commands/reproduce.ts";
import { reportCommand, runCommand, sweepCommand } from "./commands/run.ts";
import { saturateCommand, tuneCommand } from "./commands/search.ts";

const PERFORM: Readonly<Record<CommandName, (command: Command, stop: AbortSignal) => Promise<number>>> = {
  run: runCommand,
  sweep: sweepCommand,
  saturate: saturateCommand,
  tune: tuneCommand,
  compare: compareCommand,
  report: reportCommand,
  reproduce: reproduceCommand,
};

async function main(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  try {
    const command = parseCommand(args, env);
    if ("help" in command) {
      print(helpText(command.help));
      return EXIT.done;
    }
    return await perform(command);
  } catch (thrown) {
    problemsOf(thrown).forEach(printError);
    return thrown instanceof StartupError ? EXIT.wrongUse : EXIT.nothingMeasured;
  }
}

async function perform(command: Command): Promise<number> {
  using stopSignal = new StopSignal({
    asked: () => printError("\nStopping, to report what was measured; Ctrl-C once more ends at once."),
    atOnce: () => Deno.exit(EXIT.stopped), // what it started ends with its stdin
  });
  using _watch = watchLaunchers(Deno.env.toObject(), () => stopSignal.ask());
  const stop = stopSignal.signal;
  try {
    return await PERFORM[command.name](command, stop);
  } catch (thrown) {
    if (stop.aborted) return EXIT.stopped;
    throw thrown;
  }
}

Deno.exit(await main(Deno.args, Deno.env.toObject()));
