/** What the main thread and the scheduler thread say to each other. One message a tick and direction carries all. */
import type { Dispatch, ThreadStats, Ticket, TokenDelta, WorkerStatus } from "../core/types.ts";
import type { SchedulerSettings } from "../config/config.ts";
import type { Event, Outcome } from "../core/events.ts";

/** What the main thread tells the core of: arrivals and cancels. */
export type ClientEvent = Extract<Event, { kind: "arrive" | "cancel" }>;

export type ToScheduler =
  /** The first message, once. */
  | { readonly kind: "start"; readonly settings: SchedulerSettings }
  | { readonly kind: "events"; readonly events: readonly ClientEvent[] }
  | { readonly kind: "stats" }
  /** Close the connections to the worker and answer `stopped`. */
  | { readonly kind: "stop" };

export type FromScheduler =
  | {
    readonly kind: "progress";
    /** In order; each group left before what else is told of its tickets here. */
    readonly dispatched: readonly Dispatch[];
    /** In order; a ticket's deltas come before its settlement. */
    readonly deltas: readonly TokenDelta[];
    readonly settlements: readonly Settlement[];
  }
  /** Answers each `stats`, in order. */
  | { readonly kind: "stats"; readonly stats: ThreadStats }
  | { readonly kind: "worker"; readonly status: WorkerStatus }
  | { readonly kind: "stopped" };

export interface Settlement {
  readonly ticket: Ticket;
  readonly outcome: Outcome;
}
