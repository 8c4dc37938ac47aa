/**
 * `serve`: the engine, and the worker behind it when there is none. Exit codes: 0 stopped as asked, 1 could not
 * start the worker, 2 a setting is wrong, 130 ended at once by a second signal.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseSettings, type SettingName, type Settings } from "./config.ts";
import { type Engine, startEngine } from "./engine.ts";
import { messageOf, StartupError } from "./errors.ts";
import { configureLogging } from "./logging.ts";
import { denoProblem } from "./runtime_version.ts";
import { findWorker, requireWorkerCertificate, workerEndpoint } from "./serve/find_worker.ts";
import { greeting, HELP, type ServingWorker } from "./serve/greeting.ts";
import { watchLaunchers } from "./serve/launchers.ts";
import { print, printError, stderrTerminal } from "./serve/output.ts";
import { StopSignals } from "./serve/stop_signals.ts";
import { LocalWorker } from "./supervisor/local_worker.ts";
import { planWorker } from "./supervisor/plan.ts";
import { LogProgress, TextProgress } from "./supervisor/progress.ts";
import { SetupError } from "./supervisor/setup_error.ts";

const CONNECT_MS = 5000;

async function main(): Promise<number> {
  const env = Deno.env.toObject();
  const parsed = parseSettings(Deno.args, env);
  if (parsed.help) {
    print(HELP);
    return 0;
  }
  const problem = denoProblem(Deno.version.deno, env);
  if (problem) throw new StartupError([problem]);
  const settings = { ...parsed.settings, WORKER_ENDPOINT: workerEndpoint(parsed.settings, parsed.given) };
  configureLogging(settings);
  return await serve(settings, parsed.given);
}

/** Serves until it is asked to stop. The engine ends before its worker, so that what runs can end well. */
async function serve(settings: Settings, given: ReadonlySet<SettingName>): Promise<number> {
  const progress = settings.LOG_FORMAT === "json" ? new LogProgress() : new TextProgress(stderrTerminal);
  using stop = new StopSignals(
    (why) => progress.note(`stopping${why ? ` (${why})` : ""}; Ctrl-C once more ends at once`),
    () => {
      localWorker.kill();
      Deno.exit(130);
    },
  );
  await using localWorker = new LocalWorker(planWorker(settings, given, Deno.build), progress);
  using _watch = watchLaunchers(
    Deno.env.toObject(),
    () => stop.ask("the command that started serve has ended"),
  );
  try {
    stop.signal.throwIfAborted();
    await using engine = await startEngine(settings, localWorker);
    const source = await findWorker(settings, given, stop.signal);
    if (source.kind === "none") requireWorkerCertificate(settings, Deno.env.toObject());
    const worker: ServingWorker = source.kind === "none"
      ? { kind: "local", identity: await localWorker.start(stop.signal) }
      : source;
    if (worker.kind === "local" || worker.ready) await connected(engine, stop.signal);
    const http = engine.httpAddress === undefined ? undefined : portOf(engine.httpAddress);
    print(greeting(settings, { grpc: portOf(engine.address), http }, worker));
    await stop.asked();
  } catch (thrown) {
    if (!stop.signal.aborted) throw thrown;
  }
  return 0;
}

/** The worker serves; the engine's own connection to it can come a moment later, for it tries once a second. */
async function connected({ scheduler }: Engine, signal: AbortSignal): Promise<void> {
  const end = performance.now() + CONNECT_MS;
  while (scheduler.worker.state !== "up" && performance.now() < end) {
    await delay(10, undefined, { signal });
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

function exitCodeOf(thrown: unknown): number {
  const known = thrown instanceof StartupError || thrown instanceof SetupError;
  for (const line of known ? thrown.problems : [`serve failed: ${messageOf(thrown)}`]) printError(line);
  return thrown instanceof StartupError ? 2 : 1;
}

if (import.meta.main) Deno.exit(await main().catch(exitCodeOf));
