import type { Ticket } from "../../../src/core/types.ts";

/** The scheduler broke a promise. */
export class Broken extends Error {
  override readonly name = "Broken";

  /** `promise` is the same for all cases of one kind, `detail` is this case's. */
  constructor(readonly promise: string, readonly detail: string, readonly ticket?: Ticket) {
    super(`${promise}: ${ticket === undefined ? "" : `request ${ticket}: `}${detail}`);
  }
}
