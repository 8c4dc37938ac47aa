import { type ServiceError, status as Status } from "@grpc/grpc-js";
import type { ErrorCode } from "../core/errors.ts";
import type { WorkerFailure } from "../core/types.ts";

/** The engine's refusals, as clients see them. */
export const GRPC_STATUS = {
  invalid_argument: Status.INVALID_ARGUMENT,
  unauthenticated: Status.UNAUTHENTICATED,
  permission_denied: Status.PERMISSION_DENIED,
  not_found: Status.NOT_FOUND,
  too_large: Status.RESOURCE_EXHAUSTED,
  too_slow: Status.DEADLINE_EXCEEDED,
  resource_exhausted: Status.RESOURCE_EXHAUSTED,
  unavailable: Status.UNAVAILABLE,
  deadline_exceeded: Status.DEADLINE_EXCEEDED,
  cancelled: Status.CANCELLED,
  internal: Status.INTERNAL,
} as const satisfies Record<ErrorCode, Status>;

/** grpc-js reports a stream that broke under a call as INTERNAL, in these words; a server's own INTERNAL differs. */
const BROKEN_STREAM = /^Received RST_STREAM with code/;

/** A failed call to the worker, as the status of the replies to its requests. */
export function workerFailure({ code, details }: Pick<ServiceError, "code" | "details">): WorkerFailure {
  if (BROKEN_STREAM.test(details)) return "worker_transport_error";
  switch (code) {
    case Status.DEADLINE_EXCEEDED:
      return "worker_timeout";
    case Status.UNAVAILABLE:
      return "worker_unavailable";
    case Status.CANCELLED:
      return "worker_cancelled";
    case Status.RESOURCE_EXHAUSTED:
      return "worker_resource_exhausted";
    case Status.INTERNAL:
    case Status.UNKNOWN:
    case Status.DATA_LOSS:
      return "worker_internal_error";
    default:
      return "worker_transport_error";
  }
}
