import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { within } from "../../src/clock.ts";
import { lines as linesOf } from "../../src/supervisor/child.ts";

/** A program of ours gets the packages that the tests get. */
export const LOCK = `--lock=${fileURLToPath(new URL("../../deno.lock", import.meta.url))}`;

/** What comes by itself comes within it, also the first start of a program on a machine that has much else to do. */
const LONG_MS = 120_000;

export interface ProcessOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A child process of a test, with its output as lines; it is killed when its scope ends, however it ends. */
export class TestProcess implements AsyncDisposable {
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #drained: Promise<unknown>;
  #onLine: () => void = () => {};

  constructor(command: string, { args, env = {}, cwd }: ProcessOptions) {
    this.#child = new Deno.Command(command, {
      args: command === Deno.execPath() && args[0] === "run" ? ["run", LOCK, ...args.slice(1)] : [...args],
      env,
      ...(cwd !== undefined && { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.status = this.#child.status;
    this.#drained = Promise.all([
      this.#collect(this.#child.stdout, this.stdout),
      this.#collect(this.#child.stderr, this.stderr),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The first match among the lines of stdout (or stderr) so far or to come. */
  async waitFor(pattern: RegExp, timeoutMs = LONG_MS, lines = this.stdout): Promise<RegExpExecArray> {
    let ended = false;
    void this.#drained.then(() => {
      ended = true;
      this.#onLine();
    });
    const end = Date.now() + timeoutMs;
    for (;;) {
      const found = lines.map((line) => pattern.exec(line)).find((match) => match);
      if (found) return found;
      const left = end - Date.now();
      assert.ok(left > 0 && !ended, `no line ${pattern} within ${timeoutMs} ms\n${this.output()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#onLine = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Its exit status, which must come in time. */
  async exit(timeoutMs = LONG_MS): Promise<Deno.CommandStatus> {
    const status = await within(timeoutMs, this.status);
    assert.ok(status, `still running after ${timeoutMs} ms\n${this.output()}`);
    await this.#drained;
    return status;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  output(): string {
    return [...this.stdout, ...this.stderr].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.status;
    await this.#drained;
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, lines: string[]): Promise<void> {
    for await (const line of linesOf(stream)) {
      lines.push(line);
      this.#onLine();
    }
  }
}
