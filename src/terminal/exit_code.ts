import { StartupError } from "../core/errors.ts";
import { ClientError, EXIT } from "./client_error.ts";
import { printError, ReaderGone } from "../cli/output.ts";

/** Says why on stderr. @throws what is no trouble of the user's or the engine's, but a bug */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof ReaderGone) return EXIT.done; // as `| head` wants it
  if (thrown instanceof StartupError) {
    thrown.problems.forEach(printError);
    return EXIT.wrongUse;
  }
  if (!(thrown instanceof ClientError)) throw thrown;
  printError(thrown.message);
  return EXIT[thrown.kind];
}
