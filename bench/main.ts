/** `deno task bench`: see `deno task bench --help`. */
import { StartupError } from "../src/core/errors.ts";
import { print, printError } from "../src/cli/output.ts";
import { watchLaunchers } from "../src/serve/launchers.ts";
import { StopSignal } from "../src/cli/stop_signal.ts";
import { type Command, parseCommand } from "./cli/command.ts";
import { helpText } from "./cli/help.ts";
import { compareCommand } from "./commands/compare.ts";
import { EXIT, problemsOf } from "./commands/measured.ts";
import { reportCommand } from "./commands/report.ts";
import { reproduceCommand } from "./commands/reproduce.ts";
import { runCommand, sweepCommand } from "./commands/run.ts";
import { saturateCommand } from "./commands/saturate.ts";
import { tuneCommand } from "./commands/tune.ts";

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
    return await measure(command, stop);
  } catch (thrown) {
    if (stop.aborted) return EXIT.stopped;
    throw thrown;
  }
}

async function measure(command: Command, stop: AbortSignal): Promise<number> {
  switch (command.name) {
    case "report":
      return await reportCommand(command);
    case "run":
      return await runCommand(command, stop);
    case "sweep":
      return await sweepCommand(command, stop);
    case "reproduce":
      return await reproduceCommand(command, stop);
    case "saturate":
      return await saturateCommand(command, stop);
    case "tune":
      return await tuneCommand(command, stop);
    case "compare":
      return await compareCommand(command, stop);
    default:
      return command.name satisfies never;
  }
}

Deno.exit(await main(Deno.args, Deno.env.toObject()));
