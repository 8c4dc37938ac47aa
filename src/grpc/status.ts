import { status as Status } from "@grpc/grpc-js";
import type { ErrorCode } from "../errors.ts";
import type { WorkerFailure } from "../types.ts";

/** The engine's refusals, as clients see them. */
export const GRPC_STATUS = {
  invalid_argument: Status.INVALID_ARGUMENT,
  resource_exhausted: Status.RESOURCE_EXHAUSTED,
  unavailable: Status.UNAVAILABLE,
  deadline_exceeded: Status.DEADLINE_EXCEEDED,
  cancelled: Status.CANCELLED,
  unimplemented: Status.UNIMPLEMENTED,
  internal: Status.INTERNAL,
} as const satisfies Record<ErrorCode, Status>;

/** A failed call to the worker, as the status of the replies to its requests. */
export function workerFailure(code: Status): WorkerFailure {
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
