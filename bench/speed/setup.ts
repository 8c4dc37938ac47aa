import { fileURLToPath } from "node:url";
import { join } from "node:path";
import type { Settings } from "../../src/config/config.ts";
import { parseSettings } from "../../src/config/parse.ts";
import { LocalWorker } from "../../src/supervisor/local_worker.ts";
import type { Backend } from "../../src/config/backends.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { Mode } from "../../src/core/types.ts";
import type { Checkout } from "../plan.ts";
import { EngineProcess, firstLine, untilReady } from "../run/engine_process.ts";
import { EngineLoad } from "../load/engine_load.ts";
import { SetupProgress } from "../run/progress.ts";
import { planLocal } from "./local_plan.ts";

const NEVER = new AbortController().signal;
const READY_WITHIN_MS = 15_000;
const REQUEST_TIMEOUT_MS = 600_000;

/** A worker on a free port; `env` are settings of the worker itself. */
export async function startWorker(
  backend: Backend,
  env: Readonly<Record<string, string>>,
  folder: string,
): Promise<{ endpoint: string } & AsyncDisposable> {
  const { plan, endpoint } = planLocal(backend);
  await using parts = new AsyncDisposableStack();
  const progress = parts.use(new SetupProgress(folder));
  await parts.use(new LocalWorker({ ...plan, env: { ...plan.env, ...env } }, progress)).start(NEVER);
  const running = parts.move();
  return { endpoint, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** An engine process that has its worker, and a client of it. */
export interface MeasuredEngine extends AsyncDisposable {
  readonly process: EngineProcess;
  readonly load: EngineLoad;
}

/** `name` tells it from others of its mode; `env` wins over the settings, and is for what is none. */
export interface EngineOptions {
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly checkout?: Checkout;
}

export async function startEngine(
  mode: Mode,
  endpoint: string,
  changes: Partial<Settings>,
  folder: string,
  { name = mode, env, checkout }: EngineOptions = {},
): Promise<MeasuredEngine> {
  const settings = { ...parseSettings([], {}).settings, ...changes, WORKER_ENDPOINT: endpoint };
  await using parts = new AsyncDisposableStack();
  const process = parts.use(
    await EngineProcess.start(
      settings,
      { name, mode, ...(checkout && { checkout }) },
      join(folder, `engine-${name}.log`),
      env,
    ),
  );
  const load = parts.use(new EngineLoad(process.address, REQUEST_TIMEOUT_MS));
  await untilReady(load, `the ${mode} engine`, READY_WITHIN_MS, NEVER);
  const running = parts.move();
  return { process, load, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** The bare echo server as a process. */
export function startEcho(...args: string[]): Promise<OwnServer> {
  return startServer("echo_server.ts", args);
}

/** What takes traces and forgets them, as a process. */
export function startOtlpSink(): Promise<OwnServer> {
  return startServer("otlp_sink.ts", []);
}

export interface OwnServer extends AsyncDisposable {
  readonly address: string;
  readonly pid: number;
}

async function startServer(script: string, args: readonly string[]): Promise<OwnServer> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL(script, import.meta.url)), ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const address = await firstLine(child.stdout);
  if (address === undefined) throw new SetupError([`${script} ended as it started`]);
  return {
    address,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      await child.stdin.close();
      await child.status;
    },
  };
}
