/**
 * `serve`: the engine, and the worker behind it when there is none. Exit codes: 0 stopped as asked, 1 could not
 * start the worker, 2 a setting is wrong, 130 ended at once by a second signal.
 */
import { setTimeout as delay } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { EXIT } from "./cli/exit.ts";
import { stderrTerminal } from "./cli/output.ts";
import { StopSignal } from "./cli/stop_signal.ts";
import { parseSettings } from "./config/parse.ts";
import { messageOf, StartupError } from "./core/errors.ts";
import type { Millis } from "./core/types.ts";
import { type Engine, startEngine } from "./engine.ts";
import { stderrLines, stdoutLines } from "./logging/line_writer.ts";
import { configureLogging } from "./logging/logging.ts";
import { denoProblem } from "./runtime_patches/runtime_version.ts";
import { findWorker, requireWorkerCertificate, workerEndpoint } from "./serve/find_worker.ts";
import { type Asked, followWorker, requireWanted } from "./serve/follow_worker.ts";
import { greeting, HELP, type ServingWorker } from "./serve/greeting.ts";
import { watchLaunchers } from "./serve/launchers.ts";
import { connectionsWithin, openFilesLimit } from "./serve/open_files.ts";
import { LocalWorker } from "./supervisor/local_worker.ts";
import { planWorker } from "./supervisor/plan.ts";
import { LogProgress, type Terminal, TextProgress } from "./supervisor/progress.ts";
import { SetupError } from "./supervisor/setup_error.ts";

const CONNECT_MS = 5000;
/** How long the last lines get to leave: at the end, and at an end at once. */
const FLUSH_MS = { end: 500, atOnce: 100 };
/** Nobody who serves waits for the reader of what is printed. */
const TERMINAL: Terminal = { ...stderrTerminal, write: (text) => stderrLines.write(text) };

async function main(): Promise<number> {
  const env = Deno.env.toObject();
  const parsed = parseSettings(Deno.args, env);
  if (parsed.help) {
    print(HELP);
    return EXIT.done;
  }
  const problem = denoProblem(Deno.version.deno, env);
  if (problem) throw new StartupError([problem]);
  const { most, problem: tooMany } = connectionsWithin(parsed.settings, openFilesLimit());
  const settings = {
    ...parsed.settings,
    MAX_CONNECTIONS: most,
    WORKER_ENDPOINT: workerEndpoint(parsed.settings, parsed.given),
  };
  configureLogging(settings);
  if (tooMany) getLogger(["omnispan", "serve"]).warn("{tooMany}", { tooMany });
  return await serve({ settings, given: parsed.given, env });
}

/** Serves until it is asked to stop. The engine ends before its worker, so that what runs can end well. */
async function serve(asked: Asked): Promise<number> {
  const { settings, given } = asked;
  const progress = settings.LOG_FORMAT === "json" ? new LogProgress() : new TextProgress(TERMINAL);
  using stop = new StopSignal({
    asked: (why) => progress.note(`stopping${why ? ` (${why})` : ""}; Ctrl-C once more ends at once`),
    atOnce() {
      localWorker.kill();
      void flushed(FLUSH_MS.atOnce).then(() => Deno.exit(EXIT.stopped));
    },
  });
  await using localWorker = new LocalWorker(planWorker(settings, given, Deno.build), progress);
  using _watch = watchLaunchers(
    Deno.env.toObject(),
    () => stop.ask("the command that started serve has ended"),
  );
  try {
    stop.signal.throwIfAborted();
    await using engine = await startEngine(settings, localWorker);
    const source = await findWorker(settings, given, stop.signal);
    const startOwn = () => {
      requireWorkerCertificate(settings, asked.env);
      return localWorker.start(stop.signal);
    };
    if (source.kind === "found" && source.identity) requireWanted(asked, source.identity);
    const worker: ServingWorker = source.kind === "none"
      ? { kind: "local", identity: await startOwn() }
      : source;
    if (worker.kind === "local" || worker.ready) await connected(engine, stop.signal);
    const http = engine.httpAddress === undefined ? undefined : portOf(engine.httpAddress);
    print(greeting(settings, { grpc: portOf(engine.address), http }, worker));
    if (source.kind !== "none") {
      await followWorker({
        asked,
        worker: () => engine.scheduler.worker,
        startOwn: source.kind === "found" ? startOwn : undefined,
      }, stop.signal);
    }
    await stop.asked();
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  }
  return EXIT.done;
}

/** The worker serves; the engine's own connection to it can come a moment later, for it tries once a second. */
async function connected({ scheduler }: Engine, signal: AbortSignal): Promise<void> {
  const end = performance.now() + CONNECT_MS;
  while (scheduler.worker.state !== "up" && performance.now() < end) {
    await delay(10, undefined, { signal });
  }
}

function print(text: string): void {
  stdoutLines.write(text + "\n");
}

async function flushed(timeoutMs: Millis): Promise<void> {
  await Promise.all([stdoutLines.flush(timeoutMs), stderrLines.flush(timeoutMs)]);
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

function exitCodeOf(thrown: unknown): number {
  const known = thrown instanceof StartupError || thrown instanceof SetupError;
  for (const line of known ? thrown.problems : [`serve failed: ${messageOf(thrown)}`]) {
    stderrLines.write(line + "\n");
  }
  return thrown instanceof StartupError ? EXIT.wrongUse : EXIT.failed;
}

if (import.meta.main) {
  const code = await main().catch(exitCodeOf);
  await flushed(FLUSH_MS.end);
  Deno.exit(code);
}
