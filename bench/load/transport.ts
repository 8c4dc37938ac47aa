import type { RequestSpec, Result } from "../record/sample.ts";

/** The load generator's way to whatever is measured; schedule and recorder know no other. */
export interface Transport extends Disposable {
  /**
   * A failure is a result too, so this never rejects; it settles soon after `stop` fires. `requestId` is the request's
   * name on the wire, used once in a run.
   */
  send(request: RequestSpec, stop: AbortSignal, requestId: string): Promise<Result>;
}
