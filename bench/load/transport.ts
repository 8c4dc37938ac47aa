import type { RequestSpec, Result } from "../record/sample.ts";

/** The load generator's way to whatever is measured; schedule and recorder know no other. */
export interface Transport extends Disposable {
  /** A failure is a result too, so this never rejects; it settles soon after `stop` fires. */
  send(request: RequestSpec, stop: AbortSignal): Promise<Result>;
}
