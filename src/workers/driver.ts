import type { DispatchGroup } from "../core/events.ts";
import type { SequenceId } from "../core/types.ts";

/** Carries requests to a worker that is there. */
export interface WorkerDriver {
  dispatch(group: DispatchGroup): void;
  cancel(sequences: readonly SequenceId[]): void;
  /** Ends all it carries and tells of nothing any more. */
  close(): void;
}
