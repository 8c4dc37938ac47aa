/** The closed set of ways in which the engine itself turns a request away. Imports nothing of ours. */
export type ErrorCode =
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  /** The request, or a part of it, is larger than the engine takes. */
  | "too_large"
  /** The caller took too long to send its request. */
  | "too_slow"
  | "resource_exhausted"
  | "unavailable"
  | "deadline_exceeded"
  | "cancelled"
  | "internal";

/** The one error class that crosses layers; one table for each transport translates its code. */
export class OmnispanError extends Error {
  override readonly name = "OmnispanError";

  /** When it is worth to try again. */
  readonly retryAfterMs: number | undefined;
  /** The field of the request that is wrong, as the caller wrote it. */
  readonly param: string | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | undefined; readonly param?: string } = {},
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
    this.param = options.param;
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
