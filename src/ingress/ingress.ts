import { getLogger } from "@logtape/logtape";
import type { ApiKeys } from "../access/api_keys.ts";
import type { Settings } from "../config/config.ts";
import { messageOf, OmnispanError } from "../core/errors.ts";
import type { Mode } from "../core/modes/modes.ts";
import type { Dispatch, Millis } from "../core/types.ts";
import { LogTally, type Tallied } from "../logging/log_tally.ts";
import type { Observer, OpenRequest, RequestEnd, Transport } from "../observe/observer.ts";
import type { ReadHeader, Tracing } from "../observe/traces/tracing.ts";
import type { SchedulerHandle } from "../scheduler/handle.ts";

const log = getLogger(["omnispan", "ingress"]);

/** What a transport knows of a request before it is read. */
export interface IncomingRequest {
  readonly transport: Transport;
  /** Echoed, and written in logs. */
  readonly requestId: string;
  /** The address that it came from, without a port. */
  readonly peer: string | undefined;
  readonly at: Millis;
  readonly header: ReadHeader;
}

/** A request that got no good answer, as the log has it. */
export interface Miss {
  readonly outcome: "refused" | "failed";
  /** The engine's code, or the worker's status. */
  readonly status: RequestEnd["status"];
  readonly message: string;
  readonly requestId: string;
  /** Who asked, and for what; what is not known is absent. */
  readonly about: {
    readonly transport: Transport;
    readonly mode?: Mode;
    readonly tenantId?: string;
    readonly peer?: string;
  };
}

/**
 * The one way into the scheduler, whichever transport a request came by: who asks, what they may, what is asked, and who
 * observes it.
 */
export class Ingress implements Disposable {
  /** Overload and bad keys come by the thousand, and their log lines must not. */
  readonly #misses = new LogTally<Miss>(logMisses);

  constructor(
    readonly settings: Settings,
    readonly scheduler: SchedulerHandle,
    /** Undefined: nobody needs a key. */
    readonly keys: ApiKeys | undefined,
    readonly observers: readonly Observer[],
    readonly tracing: Tracing | undefined,
  ) {}

  /**
   * Lets those through that may see what is everybody's.
   * @throws {OmnispanError} unauthenticated or permission_denied
   */
  requireOperator(credential: string | undefined): void {
    if (!this.keys || this.keys.identify(credential).operator) return;
    throw new OmnispanError(
      "permission_denied",
      "this needs the key of an operator (deno task keys new --operator)",
    );
  }

  /** Logs a request without a good answer: by itself at debug, else with its like once a second. */
  logMiss(miss: Miss): void {
    const { outcome, status, message, requestId, about } = miss;
    const { transport, mode = "", tenantId = "", peer = "" } = about;
    log.debug(`request {requestId} ${outcome}, {status}: {message}`, {
      requestId,
      status,
      message,
      ...shown(about),
    });
    this.#misses.add({
      group: `${outcome} ${status} ${mode}`,
      who: `${transport} ${peer} ${tenantId}`,
      message,
    }, miss);
  }

  /** Logs a call that asked for something else than an answer, and was refused. */
  logRefusedCall(thrown: unknown, about: Miss["about"]): void {
    const status = thrown instanceof OmnispanError ? thrown.code : "internal";
    this.logMiss({ outcome: "refused", status, message: messageOf(thrown), requestId: "", about });
  }

  dispatched(dispatch: Dispatch, members: readonly OpenRequest[]): void {
    for (const observer of this.observers) observer.dispatched?.(dispatch, members);
  }

  [Symbol.dispose](): void {
    this.#misses[Symbol.dispose]();
  }
}

/** Of several causes no one's message, caller or id stands for all. */
function logMisses({ count, first, mixed }: Tallied<Miss>): void {
  const { outcome, status, message, requestId, about } = first;
  const level = status === "internal" ? "error" : outcome === "failed" ? "warn" : "info";
  if (mixed) {
    const { mode } = about;
    log[level](`requests ${outcome}: {count}, {status}, for several causes`, { count, status, mode });
    return;
  }
  log[level](`requests ${outcome}: {count}, {status}: {message}`, {
    count,
    status,
    message,
    ...shown(about),
    ...(requestId && { firstRequestId: requestId }),
  });
}

/** The log's own name for the transport is `door`. */
function shown({ transport, ...about }: Miss["about"]) {
  return { door: transport, ...about };
}
