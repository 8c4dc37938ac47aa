/**
 * What programs print for people: the one way to stdout and stderr, but for an engine that serves. Nobody has to read
 * it: a reader that has gone (a closed pipe, a terminal that hung up) ends neither the program nor what it does.
 * Imports nothing of ours but errors.
 */
import { messageOf, StartupError } from "../core/errors.ts";

/** Nobody reads stdout any more; what writes for its reader alone may end. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";

  constructor() {
    super("nobody reads stdout");
  }
}

/** Between two tries at a pipe that somebody else has set to non-blocking, and that is full. */
const FULL_MS = 5;

const encoder = new TextEncoder();

/**
 * Writes all of it to stdout before it returns; false when nobody reads that any more.
 * @throws {StartupError} when stdout can't take it, as a file on a full disk
 */
export function writeIfRead(text: string): boolean {
  try {
    writeAll(Deno.stdout, text);
    return true;
  } catch (cause) {
    if (isReaderGone(cause)) return false;
    throw new StartupError([`stdout can't be written to: ${messageOf(cause)}`], { cause });
  }
}

/** As `writeIfRead`, for a program that has nothing else to do. @throws {ReaderGone | StartupError} */
export function write(text: string): void {
  if (!writeIfRead(text)) throw new ReaderGone();
}

/** Prints a line of what was asked for, to stdout, where somebody reads it. @throws {StartupError} as `writeIfRead` */
export function print(line: string): void {
  writeIfRead(line + "\n");
}

/** Prints a line about the program itself to stderr, if that can be had. */
export function printError(line: string): void {
  stderrTerminal.write(line + "\n");
}

export const stderrTerminal = {
  write(text: string): void {
    try {
      writeAll(Deno.stderr, text);
    } catch {
      // There is nowhere left to say so.
    }
  },
  interactive: Deno.stderr.isTerminal(),
  columns: (): number => Deno.stderr.isTerminal() ? Deno.consoleSize().columns : 80,
};

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(stream.writeSync(bytes));
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.WouldBlock)) throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS);
    }
  }
}

/** A pipe without a reader, or (EIO) a terminal that has hung up. */
function isReaderGone(thrown: unknown): boolean {
  return thrown instanceof Deno.errors.BrokenPipe ||
    (thrown instanceof Error && "code" in thrown && thrown.code === "EIO");
}
