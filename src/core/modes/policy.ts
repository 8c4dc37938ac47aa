import type { DispatchReason, Millis } from "../types.ts";

/** What a policy may know when it decides. */
export interface QueueView {
  /** Requests that wait. */
  readonly depth: number;
  /** When the longest-waiting request was received; meaningful while depth > 0. */
  readonly oldestReceivedAt: Millis;
  /** The longest-waiting request is a stream; meaningful while depth > 0. */
  readonly oldestIsStream: boolean;
  /** Requests at the worker. */
  readonly running: number;
  /** Those of them that are streams. */
  readonly runningStreams: number;
  /** Groups of which at least one request is at the worker. */
  readonly dispatchesInFlight: number;
  /** Requests that the worker runs at once; undefined where it does not tell. */
  readonly workerRows: number | undefined;
}

export type Decision =
  /** Nothing to do until something else happens (an arrival, or a group coming back). */
  | { readonly kind: "idle" }
  /** Ask again at this time, or earlier if something happens. */
  | { readonly kind: "wait"; readonly until: Millis }
  /**
   * Send the `take` longest-waiting requests as one group, then ask again.
   * `dueAt` is when they should have left, if that differs from the arrival of the last of them.
   */
  | {
    readonly kind: "dispatch";
    readonly take: number;
    readonly reason: DispatchReason;
    readonly dueAt?: Millis;
  };

/**
 * When does who leave the queue? Pure: the same view and time give the same decision; it owns no timer and no
 * socket. Must dispatch only when `depth` > 0, with 1 <= take <= depth.
 */
export interface Policy {
  decide(view: QueueView, now: Millis): Decision;
}

export const IDLE: Decision = { kind: "idle" };
