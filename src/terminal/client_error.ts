import { EXIT as COMMON, ProgramError } from "../cli/exit.ts";

export const EXIT = { ...COMMON, refused: COMMON.failed, unreachable: 3 } as const;

/** Why a client ends without what it was asked for; the message is complete, for the person who waits. */
export class ClientError extends ProgramError {
  override readonly name = "ClientError";

  /** Of the engine's answer; undefined when there was none. */
  readonly status: number | undefined;
  /** The message in few words, where the engine is known. */
  readonly reason: string;

  /** `refused`: the engine answered, and not well. `unreachable`: nothing was there to answer. */
  constructor(
    readonly kind: "refused" | "unreachable",
    message: string,
    options: ErrorOptions & { readonly status?: number; readonly reason?: string } = {},
  ) {
    super(message, EXIT[kind], options);
    this.status = options.status;
    this.reason = options.reason ?? message;
  }
}
