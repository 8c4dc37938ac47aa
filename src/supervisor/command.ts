import { messageOf } from "../core/errors.ts";
import { type Command, describeExit, signalGroup, spawn } from "./child.ts";
import { lines, Tail } from "./lines.ts";

export interface RunOptions {
  /** Ends the program; `run` then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Hears of each line of stderr and stdout as it comes. */
  readonly onLine?: (line: string) => void;
}

/** A program that ended with a failure, or can't be started (`code` is undefined then). */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";

  constructor(message: string, readonly code: number | undefined, readonly lastLines: readonly string[]) {
    super(message);
  }
}

/** How long a program has to end itself when it is asked to. */
const END_MS = 2000;

/**
 * Runs a program to its end and returns the lines of its stdout. Its stdin stays open until then: a program
 * that watches it ends with us, however we end.
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
