/** How programs end. */
import { StartupError } from "../core/errors.ts";
import { printError, ReaderGone } from "./output.ts";

/** What every program's exit codes mean; some have more. */
export const EXIT = { done: 0, failed: 1, wrongUse: 2, stopped: 130 } as const;

/** Why a program ends without what it was asked for; `message` is complete lines for the person who waits. */
export class ProgramError extends Error {
  override readonly name: string = "ProgramError";

  constructor(message: string, readonly exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Says why on stderr. @throws what is no trouble of the user's or of what was asked, but a bug */
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
