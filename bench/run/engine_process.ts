import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Settings } from "../../src/config/config.ts";
import { SetupError } from "../../src/supervisor/setup_error.ts";
import type { StatsReply__Output } from "../../src/grpc/generated/omnispan/StatsReply.ts";
import type { Millis } from "../../src/core/types.ts";
import { type EngineLoad, isNoEngine } from "../load/engine_load.ts";
import type { Variant } from "../plan.ts";

const THIS_CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
const STOP_WITHIN_MS = 8_000;

export interface ServerOptions {
  /** The subject of sentences about it. */
  readonly who: string;
  /** What `deno` is run with. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its stderr goes. @default ours */
  readonly logFile?: string;
}

/** A server in a process of its own, which prints its address and ends when its stdin does. */
export class ServerProcess implements AsyncDisposable {
  #exitCode: number | undefined;

  private constructor(
    private readonly child: Deno.ChildProcess,
    private readonly logged: Promise<void> | undefined,
    readonly address: string,
    readonly logFile: string,
  ) {
    void child.status.then(({ code }) => this.#exitCode = code);
  }

  /** @throws {SetupError} when it ends instead, with the last lines of its log */
  static async start({ who, args, env = {}, logFile }: ServerOptions): Promise<ServerProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...args],
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: logFile === undefined ? "inherit" : "piped",
    }).spawn();
    const log = logFile === undefined
      ? undefined
      : Deno.openSync(logFile, { write: true, create: true, truncate: true });
    const logged = log && child.stderr.pipeTo(log.writable);
    const address = await firstLine(child.stdout);
    if (address !== undefined) return new ServerProcess(child, logged, address, logFile ?? "");
    const { code } = await child.status;
    await logged;
    const lastLines = logFile === undefined
      ? []
      : (await Deno.readTextFile(logFile)).trim().split("\n").slice(-5);
    throw new SetupError([`${who} ended with code ${code} as it started:`, ...lastLines]);
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Set once the process is gone. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stdin.close().catch(() => {}); // it may be gone
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_WITHIN_MS);
    await this.child.status;
    clearTimeout(timer);
    await this.logged;
  }
}

/**
 * Starts an engine on a free port, so that the load generator takes none of its threads' time; its log goes to `logFile`.
 * The worker may come later. `env` wins over the settings, and is for what is none.
 * @throws {SetupError} when it ends instead
 */
export function startEngineProcess(
  settings: Settings,
  { name, mode, checkout }: Pick<Variant, "name" | "mode" | "checkout">,
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const own = {
    ...settings,
    ENGINE_MODE: mode ?? settings.ENGINE_MODE,
    BIND_HOST: "127.0.0.1",
    BIND_PORT: 0,
    HTTP_PORT: "off",
  };
  const texts = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, String(value)]));
  const args = ["--no-prompt", "-A", ...engineOf(checkout?.folder)];
  return ServerProcess.start({ who: `the engine of ${name}`, args, env: { ...texts, ...env }, logFile });
}

/** The engine of a checkout, with the packages that it pins. */
function engineOf(folder = THIS_CHECKOUT): string[] {
  const [config, lock, engine] = ["deno.json", "deno.lock", "bench/run/engine.ts"].map((path) =>
    join(folder, path)
  );
  return ["--config", config!, "--lock", lock!, engine!];
}

/**
 * Waits until the engine answers and has its worker, and returns what it says of itself.
 * @throws {SetupError} when that takes more than `withinMs`, or what answers is no engine; an abort when `stop` fires.
 */
export async function untilReady(
  load: EngineLoad,
  who: string,
  withinMs: Millis,
  stop: AbortSignal,
): Promise<StatsReply__Output> {
  const endAt = performance.now() + withinMs;
  for (;;) {
    const stats = await load.stats(1000).catch((error: Error) => error);
    if (!(stats instanceof Error) && stats.workerState !== "down") return stats;
    if (stats instanceof Error && isNoEngine(stats)) {
      throw new SetupError([`${who} must be an Omnispan engine, but it does not know GetEngineStats`]);
    }
    if (performance.now() > endAt) {
      const why = stats instanceof Error
        ? `it did not answer (${reasonIn(stats)})`
        : "its worker is not there";
      throw new SetupError([`${who} must be ready within ${withinMs / 1000} s, but ${why}`]);
    }
    await sleep(50, undefined, { signal: stop });
  }
}

/** Drops the note on name resolution, which is empty for an address. */
export function reasonIn({ message }: Error): string {
  return message.replace(/\.? Resolution note: $/, "");
}

/** The first line without its end, or undefined when there is none; what follows is not waited for. */
async function firstLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string | undefined> {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) return undefined;
    text += value;
  }
  await reader.cancel();
  return text.slice(0, text.indexOf("\n"));
}
