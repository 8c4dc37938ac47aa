import { credentials } from "@grpc/grpc-js";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { omnispan } from "../../src/grpc/contract.ts";
import { freePort } from "../../src/serve/free_port.ts";
import type { GenerateReply__Output } from "../../src/grpc/generated/omnispan/GenerateReply.ts";
import { TestProcess } from "./process.ts";
import { waitUntil } from "./wait.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The first start makes a Python environment. */
const FIRST_START_MS = 300_000;

export interface ServeOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The repository to serve from. */
  readonly root?: string;
  /** Start it as people do, through `deno task`. */
  readonly task?: boolean;
  /** How many files it may have open; not on Windows. */
  readonly openFiles?: number;
}

/** `serve` as a process of its own, with the simulated worker and free ports unless the test sets others. */
export class Serve extends TestProcess {
  constructor({ flags = [], env = {}, root = ROOT, task = false, openFiles }: ServeOptions = {}) {
    const args = task ? ["task", "serve", ...flags] : ["run", "-A", join(root, "src/main.ts"), ...flags];
    super(openFiles === undefined ? Deno.execPath() : "sh", {
      args: openFiles === undefined
        ? args
        : ["-c", `ulimit -n ${openFiles}; exec "$0" "$@"`, Deno.execPath(), ...args],
      cwd: root,
      env: {
        NO_COLOR: "1",
        BIND_PORT: "0",
        HTTP_PORT: "0",
        WORKER_PORT: String(freePort()),
        WORKER_BACKEND: "sim",
        SIM_PROFILE: "null",
        ...env,
      },
    });
  }

  /** Resolves when it answers. */
  static async answering(options: ServeOptions): Promise<Serve> {
    const serve = new Serve(options);
    try {
      await serve.answers();
      return serve;
    } catch (thrown) {
      await serve[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Where the engine listens, once it has greeted to the last line. */
  async address(timeoutMs = FIRST_START_MS): Promise<string> {
    await this.waitFor(/^Ctrl-C ends/, timeoutMs);
    return (await this.waitFor(/^Omnispan serves on (\S+)/))[1]!;
  }

  /** The URL of its HTTP port, once it has printed its greeting. */
  async httpUrl(): Promise<string> {
    await this.address();
    return (await this.waitFor(/^See it: (https?:\/\/[^/]+)\//))[1]!;
  }

  /** The newest worker process that it has printed. */
  workerPid(): number {
    const pids = this.stderr.map((line) => /the worker runs as process (\d+)/.exec(line)?.[1]);
    return Number(pids.findLast((pid) => pid !== undefined));
  }

  /** Asks it one thing. */
  async ask(prompt = "hello", requestId = ""): Promise<GenerateReply__Output> {
    const client = new omnispan.Engine(await this.address(), credentials.createInsecure());
    try {
      const deadline = Date.now() + 60_000;
      return await new Promise((resolve, reject) =>
        client.submitGenerate(
          { prompt, requestId, maxTokens: 8 },
          { deadline },
          (error, reply) => error ? reject(error) : resolve(reply!),
        )
      );
    } finally {
      client.close();
    }
  }

  async answers(): Promise<void> {
    await waitUntil("serve answers", async () => (await this.ask()).status === "ok", 120_000);
  }
}

/** What `serve` needs of the repository, in a folder of its own and with no Python environment yet. */
export async function copyOfRepository(): Promise<AsyncDisposable & { readonly root: string }> {
  const root = await Deno.makeTempDir();
  for (const name of ["deno.json", "imports.json"]) await Deno.copyFile(join(ROOT, name), join(root, name));
  for (const name of ["src", "proto", "worker"]) await copyFolder(join(ROOT, name), join(root, name));
  return { root, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (name.startsWith(".")) continue;
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

export async function runShellLine(line: string, timeoutMs = 120_000): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", line],
    cwd: ROOT,
    signal: AbortSignal.timeout(timeoutMs),
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text);
  return text;
}
