/** The closed set of ways in which the engine itself turns a request away. Imports nothing of ours. */
export type ErrorCode =
  | "invalid_argument"
  | "resource_exhausted"
  | "unavailable"
  | "deadline_exceeded"
  | "cancelled"
  | "internal";

/** The one error class that crosses layers; `grpc/status.ts` translates its code, and nothing else does. */
export class OmnispanError extends Error {
  override readonly name = "OmnispanError";

  /** When it is worth to try again. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A start that can't go on; `problems` are complete lines for the person who started it. */
export class StartupError extends Error {
  override readonly name = "StartupError";

  constructor(readonly problems: readonly string[], options?: ErrorOptions) {
    super(problems.join("\n"), options);
  }
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
