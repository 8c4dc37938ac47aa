/** How programs end. */
import { StartupError } from "../core/errors.ts";
import { printError, ReaderGone } from "./output.ts";

/** The exit codes that all programs share. */
export const EXIT = { done: 0, failed: 1, wrongUse: 2, stopped: 130 } as const;

/** A failure that ends a program with an exit code; `message` is complete lines for the user. */
export class ProgramError extends Error {
  override readonly name: string = "ProgramError";

  constructor(message: string, readonly exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Prints a failure to stderr and returns its exit code. @throws anything else, which is a bug */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof ReaderGone) return EXIT.done; // as `| head` wants it
  if (thrown instanceof StartupError) {
    thrown.problems.forEach(printError);
    return EXIT.wrongUse;
  }
  if (!(thrown instanceof ProgramError)) throw thrown;
  printError(thrown.message);
  return thrown.exitCode;
}
