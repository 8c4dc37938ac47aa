/** What a scheduling mode is: a policy with its settings, and what everybody else needs to know of it. */
import type { SettingTable, SettingValues } from "../setting.ts";
import type { Millis } from "../time.ts";

/** What a policy may know when it decides: one mode's queue, and that mode's requests at one worker. */
export interface QueueView {
  /** Requests that wait. */
  readonly depth: number;
  /** When the longest-waiting request was received; meaningful while depth > 0. */
  readonly oldestReceivedAt: Millis;
  /** The longest-waiting request is a stream; meaningful while depth > 0. */
  readonly oldestIsStream: boolean;
  /** Requests at the worker. */
  readonly running: number;
  /** Streams among them. */
  readonly runningStreams: number;
  /** Groups of which at least one request is at the worker. */
  readonly groupsInFlight: number;
  /** Requests that the worker runs at once; undefined where it does not say. */
  readonly workerRows: number | undefined;
}

export type Decision<Reason extends string = string> =
  /** Nothing to do until something else happens (an arrival, or a group coming back). */
  | { readonly kind: "idle" }
  /** Ask again at this time, or earlier if something happens. */
  | { readonly kind: "wait"; readonly until: Millis }
  /**
   * Send the next `take` requests as one group, then ask again.
   * `dueAt` is when they should have left, if that differs from the arrival of the last of them. With `isDivisible`
   * fewer may leave for this worker where several can take them.
   */
  | {
    readonly kind: "dispatch";
    readonly take: number;
    readonly reason: Reason;
    readonly dueAt?: Millis;
    readonly isDivisible?: boolean;
  };

export const IDLE: Decision<never> = { kind: "idle" };

/**
 * Decides when a group leaves the queue for a worker, and how many requests it has. Pure: the same view and time give
 * the same decision; it owns no timer and no socket. Dispatches only when `depth` > 0, with 1 <= take <= depth.
 */
export interface Policy<Reason extends string = string> {
  decide(view: QueueView, now: Millis): Decision<Reason>;
}

/** What a mode promises of each worker, as numbers: written from its documentation, not from its policy. */
export interface ModeLaw {
  /**
   * Requests at the worker at once; where streams have a limit of their own, the others alone. Undefined: by what the
   * worker says that it runs.
   */
  readonly maxRunning: number | undefined;
  /** Streams at the worker at once, where they have a limit of their own. */
  readonly maxStreams?: number;
  readonly maxGroup: number;
  /** Groups at the worker at once. */
  readonly maxGroups: number;
  /** So many that wait leave at once when there is a place. */
  readonly fullAt: number;
  /** Fewer leave when the first of them has waited this long. */
  readonly windowMs: Millis;
  /** Fewer leave at once when nothing is at the worker. */
  readonly whenIdle: boolean;
  /** Why its groups may leave. */
  readonly reasons: readonly string[];
}

/** The law of a mode without limits, windows and groups. */
export const UNLIMITED = {
  maxRunning: undefined,
  maxGroup: Infinity,
  maxGroups: Infinity,
  fullAt: 1,
  windowMs: 0,
  whenIdle: false,
} as const satisfies Partial<ModeLaw>;

export interface ModeDefinition<
  Name extends string = string,
  Table extends SettingTable = SettingTable,
  Reason extends string = string,
> {
  readonly name: Name;
  /** Completes "ENGINE_MODE=name lets requests go ...". */
  readonly summary: string;
  /** The settings that shape it. */
  readonly settings: Table;
  /** Why its groups may leave, each with the words that complete "It left because ...". */
  readonly reasons: Readonly<Record<Reason, string>>;
  /** Requests wait for others to share their batch, so the window has a price that can be judged. */
  readonly isWindowed: boolean;
  /** A reply in one piece says how long the request waited (`queue_wait_ms=` in README.md); callers know it of queued and micro_batch alone. */
  readonly tellsQueueWait: boolean;
  policy(settings: SettingValues<Table>): Policy<NoInfer<Reason>>;
  law(settings: SettingValues<Table>): ModeLaw;
  /** The settings in a few words behind the mode's name; empty where none limits anything. */
  shape(settings: SettingValues<Table>): string;
  /** Settings that are worth a try on a worker which runs `rows` requests at once, the simplest first. */
  candidates(rows: number): readonly Partial<SettingValues<Table>>[];
}

/** Keeps the exact types of a mode's name, settings and reasons. */
export function defineMode<
  const Name extends string,
  const Table extends SettingTable,
  const Reason extends string,
>(
  mode: ModeDefinition<Name, Table, Reason>,
): ModeDefinition<Name, Table, Reason> {
  return mode;
}

/** The values up to `most`, and the first of them in any case. */
export function upTo(most: number, values: readonly number[]): number[] {
  return values.filter((value, at) => at === 0 || value <= most);
}
