import type { Millis } from "../core/types.ts";
import { type Command, lines, signalChild, signalGroup, spawn, Tail } from "./child.ts";

/** How long the worker has to end after it was asked to. */
const END_MS = 8000;

/** What a worker prints about itself once it listens. */
export interface WorkerIdentity {
  readonly address: string;
  readonly backend: string;
  readonly model: string;
  /** Its times are computed by a profile, no model runs. */
  readonly simulated: boolean;
}

/** One run of the worker as our child. It ends when its stdin closes, so it never outlives us. */
export class WorkerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #tail = new Tail();
  readonly #listening = Promise.withResolvers<WorkerIdentity>();
  /** Resolves when it has ended and its last line was read. */
  readonly exited: Promise<Deno.CommandStatus>;
  #ending: Promise<void> | undefined;

  constructor(command: Command, private readonly onLine: (line: string) => void) {
    this.#child = spawn(command);
    this.exited = this.#follow();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when the worker listens; stays pending when it ends before. */
  get listening(): Promise<WorkerIdentity> {
    return this.#listening.promise;
  }

  get lastLine(): string {
    return this.#tail.lines.at(-1) ?? "";
  }

  /** Kills it and all that it started. */
  kill(): void {
    signalGroup(this.#child, "SIGKILL");
  }

  /** Asks it to end, and kills it after the grace time. */
  stop(graceMs: Millis = END_MS): Promise<void> {
    return this.#ending ??= this.#end(graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(graceMs: Millis): Promise<void> {
    if (Deno.build.os === "windows") await this.#closeStdin();
    else signalChild(this.#child, "SIGTERM");
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.exited;
    clearTimeout(timer);
    await this.#closeStdin();
  }

  async #closeStdin(): Promise<void> {
    await this.#child.stdin.close().catch(() => {});
  }

  async #follow(): Promise<Deno.CommandStatus> {
    const output = async () => {
      for await (const line of lines(this.#child.stdout)) {
        const identity = parseListening(line);
        if (identity) this.#listening.resolve(identity);
        else this.onLine(line);
      }
    };
    const errors = async () => {
      for await (const line of lines(this.#child.stderr)) {
        this.#tail.push(line);
        this.onLine(line);
      }
    };
    const reading = Promise.all([output(), errors()]);
    const status = await this.#child.status;
    // Processes that it started would go on and keep its pipes open.
    this.kill();
    await reading;
    return status;
  }
}

/** Reads `worker listening on HOST:PORT backend=... model=...[ simulated]`. */
export function parseListening(line: string): WorkerIdentity | undefined {
  const match = /^worker listening on (\S+) backend=(\S+) model=(.*?)( simulated)?$/.exec(line);
  if (!match) return undefined;
  const [, address = "", backend = "", model = "", simulated] = match;
  return { address, backend, model, simulated: simulated !== undefined };
}
