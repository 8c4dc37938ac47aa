/** `deno task bench`: see `deno task bench --help`. */
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { StartupError } from "../src/errors.ts";
import { watchLaunchers } from "../src/serve/launchers.ts";
import { StopSignals } from "../src/serve/stop_signals.ts";
import { SetupError } from "../src/supervisor/setup_error.ts";
import { type Command, helpText, parseCommand, type RunOptions } from "./options.ts";
import { tell } from "./progress.ts";
import { hasRecording, readRecording } from "./recorder.ts";
import { report } from "./report.ts";
import { run } from "./run.ts";

const DONE = 0;
const NOTHING_MEASURED = 1;
const WRONG_USE = 2;
const STOPPED = 130;

async function main(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  try {
    return await perform(parseCommand(args, env));
  } catch (thrown) {
    problemsOf(thrown).forEach(tell);
    return thrown instanceof StartupError ? WRONG_USE : NOTHING_MEASURED;
  }
}

async function perform(command: Command): Promise<number> {
  switch (command.kind) {
    case "help":
      print(helpText());
      return DONE;
    case "report":
      print(report(await readRecording(command.folder)));
      return DONE;
    case "run":
      return await measure(command.options);
    default:
      command satisfies never;
      throw new Error(`unknown command ${JSON.stringify(command)}`);
  }
}

/** Runs, then reports from the folder alone what was measured, also after a stop or a failure. */
async function measure(options: RunOptions): Promise<number> {
  const folder = options.out ?? newResultsFolder();
  if (hasRecording(folder)) {
    tell(`--out must be a folder without results, got "${folder}"`);
    return WRONG_USE;
  }
  using stopSignals = new StopSignals(
    () => tell("\nStopping, to report what was measured; Ctrl-C once more ends at once."),
    () => Deno.exit(STOPPED), // what it started ends with its stdin
  );
  using _watch = watchLaunchers(() => stopSignals.ask());
  const stop = stopSignals.signal;
  const problems = await run(options, folder, stop).catch((thrown) => {
    if (stop.aborted) return [];
    if (hasRecording(folder)) return problemsOf(thrown);
    throw thrown;
  });
  if (!hasRecording(folder)) return STOPPED;
  const recording = await readRecording(folder);
  print(report(recording));
  print(`Samples and environment: ${relative(Deno.cwd(), folder) || "."}`);
  problems.forEach(tell);
  if (stop.aborted) return STOPPED;
  const measured = recording.samples.some(({ phase, outcome }) => phase === "measured" && outcome === "ok");
  return measured && problems.length === 0 ? DONE : NOTHING_MEASURED;
}

function newResultsFolder(): string {
  const time = new Date().toISOString().replace(/\..*/, "").replaceAll(":", "-");
  return join(fileURLToPath(new URL("results", import.meta.url)), time);
}

function problemsOf(thrown: unknown): readonly string[] {
  if (thrown instanceof StartupError || thrown instanceof SetupError) return thrown.problems;
  throw thrown;
}

function print(text: string): void {
  process.stdout.write(text + "\n");
}

Deno.exit(await main(Deno.args, Deno.env.toObject()));
