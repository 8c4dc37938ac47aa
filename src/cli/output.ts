/**
 * The one way of programs to stdout and stderr, except for an engine that serves (src/logging/line_writer.ts). A reader
 * that has gone (a closed pipe, a terminal that hung up) does not end the program.
 */
import { messageOf, StartupError } from "../core/errors.ts";

/** Nobody reads stdout any more, so a program that only writes may end. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";

  constructor() {
    super("nobody reads stdout");
  }
}

/** The time between two tries at a full pipe that another process has set to non-blocking. */
const FULL_MS = 5;

const encoder = new TextEncoder();

/**
 * Writes all of the text to stdout before it returns; false when nobody reads stdout any more.
 * @throws {StartupError} when stdout can't be written, as a file on a full disk
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

/** As `writeIfRead`, for a program that only writes. @throws {ReaderGone | StartupError} */
export function write(text: string): void {
  if (!writeIfRead(text)) throw new ReaderGone();
}

/** Prints a line of the result to stdout. @throws {StartupError} as `writeIfRead` */
export function print(line: string): void {
  writeIfRead(line + "\n");
}

/** Prints a line about the program itself to stderr, if possible. */
export function printError(line: string): void {
  stderrTerminal.write(line + "\n");
}

export const stderrTerminal = {
  write(text: string): void {
    try {
      writeAll(Deno.stderr, text);
    } catch {
      // There is no other place to report it.
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
