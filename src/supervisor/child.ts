/** Child processes: how they start, their output line by line, and how they end with all that they started. */
import { messageOf } from "../core/errors.ts";

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const OWN_GROUP = Deno.build.os !== "windows";

/**
 * Starts a program with all pipes open. On Unix it leads a process group of its own: Ctrl-C reaches it through us
 * alone, and `signalGroup` reaches what it started.
 */
export function spawn({ program, args, env = {} }: Command): Deno.ChildProcess {
  return new Deno.Command(program, {
    args: [...args],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    detached: OWN_GROUP,
  }).spawn();
}

/** Sends a signal to the child and all of its group, as far as they are still there. */
export function signalGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  if (OWN_GROUP) ifThere(() => Deno.kill(-child.pid, signal));
  else signalChild(child, signal);
}

/** Sends a signal to the child alone, if it is still there. */
export function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  ifThere(() => child.kill(signal));
}

function ifThere(kill: () => void): void {
  try {
    kill();
  } catch {
    // The process has ended already.
  }
}

/** How a process ended in words, as "exit code 1" or "signal SIGKILL". */
export function describeExit({ code, signal }: Deno.CommandStatus): string {
  return signal ? `signal ${signal}` : `exit code ${code}`;
}

export interface RunOptions {
  /** Ends the program; `run` then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Called with each line of stderr and stdout. */
  readonly onLine?: (line: string) => void;
}

/** A program that ended with a failure, or can't be started (`code` is undefined then). */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";

  constructor(message: string, readonly code: number | undefined, readonly lastLines: readonly string[]) {
    super(message);
  }
}

/** How long a program has to end after SIGTERM. */
const END_MS = 2000;

/**
 * Runs a program to its end and returns the lines of its stdout. Its stdin stays open until then, so that a program
 * which watches stdin ends with us, also when we are killed.
 * @throws {CommandFailed}
 */
export async function run(command: Command, { signal, onLine }: RunOptions): Promise<string[]> {
  signal.throwIfAborted();
  const child = start(command);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    signalGroup(child, "SIGTERM");
    timer = setTimeout(() => signalGroup(child, "SIGKILL"), END_MS);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const tail = new Tail();
    const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, into?: string[]) => {
      for await (const line of lines(stream)) {
        tail.push(line);
        into?.push(line);
        onLine?.(line);
      }
    };
    const output: string[] = [];
    const [status] = await Promise.all([child.status, collect(child.stdout, output), collect(child.stderr)]);
    signal.throwIfAborted();
    if (!status.success) {
      throw new CommandFailed(
        `${command.program} ended with ${describeExit(status)}`,
        status.code,
        tail.lines,
      );
    }
    return output;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    await child.stdin.close().catch(() => {});
  }
}

function start(command: Command): Deno.ChildProcess {
  try {
    return spawn(command);
  } catch (thrown) {
    throw new CommandFailed(`${command.program} can't be started: ${messageOf(thrown)}`, undefined, []);
  }
}

/** Longer lines are cut, so that a program that never ends a line can't fill the memory. */
const LONGEST_LINE = 16_384;

/** The lines of a program's output without their ends; a carriage return (progress bars) ends one too. */
export async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop() ?? "";
    yield* parts.filter((line) => line !== "").map((line) => line.slice(0, LONGEST_LINE));
    if (rest.length > LONGEST_LINE) rest = rest.slice(0, LONGEST_LINE);
  }
  rest = rest.trimEnd();
  if (rest !== "") yield rest;
}

/** The last few lines of an output. */
export class Tail {
  readonly #lines: string[] = [];

  constructor(private readonly limit = 20) {}

  push(line: string): void {
    if (this.#lines.push(line) > this.limit) this.#lines.shift();
  }

  get lines(): readonly string[] {
    return this.#lines;
  }
}
