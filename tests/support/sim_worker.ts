import { credentials } from "@grpc/grpc-js";
import { join } from "node:path";
import { omnispan } from "../../src/grpc/contract.ts";
import { WORKER_FOLDER } from "../../src/supervisor/plan.ts";
import { TestProcess } from "./process.ts";
import { testPython } from "./python.ts";

/** A profile of the simulated backend: steps of a fixed time, and how many rows run at once. */
export interface Profile {
  readonly stepMs: number;
  /** @default 4096 */
  readonly maxRows?: number;
  /** A prompt with this text ends the process. @default none does */
  readonly exitOn?: string;
}

export interface SimOptions {
  /** A shipped profile's name, or one of the test's own. @default "null" */
  readonly profile?: string | Profile;
  /** false: the worker has only the fixed RPCs. @default true */
  readonly session?: boolean;
  /** @default a free one */
  readonly port?: number;
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The real worker with its simulated backend, as a process of its own. */
export class SimWorker extends TestProcess {
  #address = "";

  /** Resolves when it listens. */
  static async start(
    { profile = "null", session = true, port = 0, env = {} }: SimOptions = {},
  ): Promise<SimWorker> {
    const own = typeof profile === "string" ? undefined : await writeProfile(profile);
    const worker = new SimWorker(await testPython("dev"), {
      args: [join(WORKER_FOLDER, "worker.py")],
      env: {
        WORKER_BACKEND: "sim",
        SIM_PROFILE: own ?? String(profile),
        WORKER_SESSION: session ? "1" : "0",
        WORKER_PORT: String(port),
        WORKER_LOG_LEVEL: "warning",
        ...env,
      },
    });
    try {
      const [, address] = await worker.waitFor(/^worker listening on (\S+) .* simulated$/, 60_000);
      worker.#address = address!;
      return worker;
    } catch (thrown) {
      await worker[Symbol.asyncDispose]();
      throw thrown;
    } finally {
      if (own !== undefined) await Deno.remove(own);
    }
  }

  get address(): string {
    return this.#address;
  }

  /** Asks it without an engine. */
  client(): Disposable & { answer(prompt: string, maxTokens: number): Promise<string> } {
    const stub = new omnispan.Worker(this.#address, credentials.createInsecure());
    return {
      answer: (prompt, maxTokens) =>
        new Promise((resolve, reject) =>
          stub.generate(
            { prompt, maxTokens },
            { deadline: Date.now() + 20_000 },
            (error, reply) => error ? reject(error) : resolve(reply!.responseText),
          )
        ),
      [Symbol.dispose]: () => stub.close(),
    };
  }
}

/** The path of a file that holds it. */
async function writeProfile({ stepMs, maxRows = 4096, exitOn = "" }: Profile): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const profile = { source: "a test", step_ms: [[1, stepMs]], max_rows: maxRows, exit_on: exitOn };
  await Deno.writeTextFile(path, JSON.stringify(profile));
  return path;
}
