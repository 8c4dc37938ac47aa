import { EXIT, ProgramError } from "../cli/exit.ts";

/** A worker that can't be set up or started, though nothing in the settings is wrong; `problems` are whole lines. */
export class SetupError extends ProgramError {
  override readonly name = "SetupError";

  constructor(readonly problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), EXIT.failed, options);
  }
}
