import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type ErrorCode, OmnispanError } from "../../core/errors.ts";
import type { WorkerFailure, WorkerReply } from "../../core/types.ts";

/** How HTTP says a refusal of the engine: the status, and the `type` of OpenAI's error object. */
export const HTTP_STATUS = {
  invalid_argument: [400, "invalid_request_error"],
  unauthenticated: [401, "authentication_error"],
  permission_denied: [403, "permission_error"],
  not_found: [404, "invalid_request_error"],
  too_slow: [408, "invalid_request_error"],
  too_large: [413, "invalid_request_error"],
  resource_exhausted: [429, "rate_limit_error"],
  cancelled: [499, "cancelled"],
  internal: [500, "server_error"],
  unavailable: [503, "server_error"],
  deadline_exceeded: [504, "timeout_error"],
} as const satisfies Record<ErrorCode, readonly [ContentfulStatusCode | 499, string]>;

/** How HTTP says that the worker failed a request. */
export const WORKER_STATUS = {
  worker_runtime_error: [500, "server_error"],
  worker_internal_error: [500, "server_error"],
  worker_transport_error: [502, "server_error"],
  worker_unavailable: [503, "server_error"],
  worker_cancelled: [503, "server_error"],
  worker_resource_exhausted: [503, "server_error"],
  worker_timeout: [504, "timeout_error"],
} as const satisfies Record<WorkerFailure, readonly [ContentfulStatusCode, string]>;

/** OpenAI's error object. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** The field that is wrong. */
    readonly param: string | null;
    readonly code: string;
  };
}

export interface HttpFailure {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;
}

/** A refusal of the engine's. `code` may be OpenAI's own word where that differs from ours. */
export function refusal(
  error: OmnispanError,
  code: string = OPENAI_CODES[error.code] ?? error.code,
): HttpFailure {
  const [status, type] = HTTP_STATUS[error.code];
  return {
    status,
    headers: { ...retryHeaders(status, error.retryAfterMs), ...TOLD_BESIDE[error.code] },
    body: { error: { message: error.message, type, param: error.param ?? null, code } },
  };
}

/** A failure that the worker answered with. */
export function workerFailure(
  { status, errorMessage, badRequest }: WorkerReply & { status: WorkerFailure },
): HttpFailure {
  if (badRequest) return refusal(new OmnispanError("invalid_argument", errorMessage));
  const [http, type] = WORKER_STATUS[status];
  return {
    status: http,
    // The same request would fail again, and one that ended its worker would end the next.
    headers: status === "worker_runtime_error" ? NO_RETRY : retryHeaders(http, undefined),
    body: { error: { message: errorMessage, type, param: null, code: status } },
  };
}

const OPENAI_CODES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "invalid_api_key",
  resource_exhausted: "rate_limit_exceeded",
  invalid_argument: "invalid_value",
};

/** OpenAI's clients would ask twice more. */
const NO_RETRY = { "x-should-retry": "false" };

const TOLD_BESIDE: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  // RFC 9110 has it with each 401.
  unauthenticated: { "www-authenticate": "Bearer" },
  deadline_exceeded: NO_RETRY,
};

/** When it is worth to try again, in whole seconds as HTTP has it and in ms as OpenAI's clients read it. */
function retryHeaders(
  status: number,
  retryAfterMs = status === 503 || status === 429 ? 1000 : undefined,
): Record<string, string> {
  if (retryAfterMs === undefined) return {};
  const ms = Math.ceil(retryAfterMs);
  return { "retry-after": String(Math.max(1, Math.ceil(ms / 1000))), "retry-after-ms": String(ms) };
}
