/**
 * The engine that is measured, in a process of its own: `engine_process.ts` starts it with the settings in its
 * environment. Prints its address, and ends when its stdin does, so that it never outlives the bench.
 */
import process from "node:process";
import { parseSettings } from "../../src/config/parse.ts";
import { startEngine } from "../../src/engine.ts";
import { StartupError } from "../../src/core/errors.ts";
import { stderrLines } from "../../src/logging/line_writer.ts";
import { configureLogging } from "../../src/logging/logging.ts";

async function main(): Promise<number> {
  const { settings } = parseSettings([], Deno.env.toObject());
  configureLogging(settings);
  // Ctrl-C reaches every process of a terminal; the bench decides what comes of it.
  Deno.addSignalListener("SIGINT", () => {});
  await using engine = await startEngine(settings);
  process.stdout.write(engine.address + "\n");
  for await (const _ of Deno.stdin.readable);
  return 0;
}

function startFailed(thrown: unknown): number {
  if (!(thrown instanceof StartupError)) throw thrown;
  stderrLines.write(thrown.problems.join("\n") + "\n");
  return 2;
}

const code = await main().catch(startFailed);
await stderrLines.flush(500);
Deno.exit(code);
