import { getLogger } from "@logtape/logtape";
import type { ApiKeys, Caller } from "../access/api_keys.ts";
import { now } from "../clock.ts";
import type { Settings } from "../config/config.ts";
import { messageOf, OmnispanError } from "../core/errors.ts";
import { LogTally, type Tallied } from "../logging/log_tally.ts";
import type { DoorName, Observer, OpenRequest, RequestEnd } from "../observe/observer.ts";
import type { ReadHeader, Tracing } from "../observe/traces/tracing.ts";
import type { OnDelta, SchedulerHandle } from "../scheduler/handle.ts";
import type { Answer, DispatchNotice, Millis, Mode, Submission, Ticket, TokenDelta } from "../core/types.ts";
import {
  type FieldNames,
  MAX_ID_LENGTH,
  type RawRequest,
  type Reception,
  type RequestLimits,
  validate,
} from "./validate.ts";

const log = getLogger(["omnispan", "ingress"]);

/** What a transport knows of a request before it is read. */
export interface Arrival {
  readonly door: DoorName;
  /** Echoed, and told in logs. */
  readonly requestId: string;
  /** The address that it came from, without a port. */
  readonly peer: string | undefined;
  readonly at: Millis;
  readonly header: ReadHeader;
}

/** A request that got no answer, as the log has it. */
interface Miss {
  readonly outcome: "refused" | "failed";
  /** The engine's code, or the worker's status. */
  readonly status: RequestEnd["status"];
  readonly message: string;
  readonly requestId: string;
  /** Who asked, and for what; what is not known is absent. */
  readonly about: {
    readonly door: DoorName;
    readonly mode?: Mode;
    readonly tenantId?: string;
    readonly peer?: string;
  };
}

/**
 * The one way into the scheduler, whichever door a request came by: who asks, what they may, what is asked, and who
 * hears of it.
 */
export class Door implements Disposable {
  readonly #open = new Map<Ticket, OpenRequest>();
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

  /** Those that the scheduler has, oldest first. */
  get openRequests(): Iterable<OpenRequest> {
    return this.#open.values();
  }

  /** Begins a request's visit, before anything of it is checked. */
  visit(arrival: Arrival): Visit {
    return new Visit(this, arrival, this.#open);
  }

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
  missed(miss: Miss): void {
    const { outcome, status, message, requestId, about } = miss;
    const { door, mode = "", tenantId = "", peer = "" } = about;
    log.debug(`request {requestId} ${outcome}, {status}: {message}`, {
      requestId,
      status,
      message,
      ...about,
    });
    this.#misses.add({
      group: `${outcome} ${status} ${mode}`,
      who: `${door} ${peer} ${tenantId}`,
      message,
    }, miss);
  }

  /** Refuses what is no visit: it asked for something else than an answer. */
  turnedAway(thrown: unknown, about: Miss["about"]): void {
    const status = thrown instanceof OmnispanError ? thrown.code : "internal";
    this.missed({ outcome: "refused", status, message: messageOf(thrown), requestId: "", about });
  }

  [Symbol.dispose](): void {
    this.#misses[Symbol.dispose]();
  }

  /** A group has left for the worker. */
  dispatched(notice: DispatchNotice): void {
    const members: OpenRequest[] = [];
    for (const ticket of notice.tickets) {
      const request = this.#open.get(ticket);
      if (!request) continue;
      request.dispatch = notice;
      members.push(request);
    }
    for (const observer of this.observers) observer.dispatched?.(notice, members);
  }
}

/** One request from its coming to its one end; `answered` or `refused` ends it. */
export class Visit {
  #submission: Submission | undefined;
  #request: OpenRequest | undefined;
  #admitted: ReturnType<ApiKeys["admit"]> | undefined;
  #caller: Caller | undefined;
  #tenantId = "";
  #ended = false;
  readonly #trace;

  constructor(
    private readonly door: Door,
    private readonly arrival: Arrival,
    private readonly open: Map<Ticket, OpenRequest>,
  ) {
    this.#trace = door.tracing?.begin(arrival.at, arrival.header);
  }

  /** The mode that it is scheduled by. */
  get mode(): Mode {
    return this.#submission?.mode ?? this.door.settings.ENGINE_MODE;
  }

  /**
   * Who asks.
   * @throws {OmnispanError} unauthenticated
   */
  identify(): Caller | undefined {
    this.#caller ??= this.door.keys?.identify(this.arrival.header("authorization"));
    if (this.#caller) this.#tenantId = this.#caller.tenantId;
    return this.#caller;
  }

  /**
   * Checks the request, which has come as a whole, and takes it against its caller's limits.
   * @throws {OmnispanError} when the engine refuses it
   */
  take(asked: RawRequest, reception: Reception): Submission {
    const { door } = this;
    const caller = this.identify();
    const raw = caller ? { ...asked, tenantId: caller.tenantId } : asked;
    this.#tenantId = raw.tenantId.slice(0, MAX_ID_LENGTH);
    const submission = validate(raw, limitsFor(caller, door.settings), reception);
    const valid = this.#asTheWorkerTakes(submission, raw.names);
    if (caller) {
      this.#admitted = door.keys!.admit(caller, valid.maxTokens, now(), raw.names?.max_tokens);
    }
    return this.#submission = this.#trace ? { ...valid, traceparent: this.#trace.traceparent } : valid;
  }

  /**
   * Hands what was taken to the scheduler and resolves with its answer.
   * @throws {OmnispanError} when the scheduler refuses it, or `signal` fires before the answer
   */
  submit(submission: Submission, signal: AbortSignal, onDelta?: OnDelta): Promise<Answer> {
    const { door, arrival, open } = this;
    const pass = onDelta && ((delta: TokenDelta) => this.#pass(delta, onDelta));
    const { ticket, answer } = door.scheduler.open(submission, signal, pass);
    if (ticket === 0) return answer; // the engine is stopping
    const request: OpenRequest = this.#request = {
      ticket,
      door: arrival.door,
      mode: this.mode,
      submission,
      dispatch: undefined,
      firstTokenAt: undefined,
      tokens: 0,
      trace: this.#trace,
    };
    open.set(ticket, request);
    for (const observer of door.observers) observer.accepted?.(request);
    return answer;
  }

  /**
   * The worker has answered, well or with a failure; one that is the request's own fault counts as a refusal. Gives
   * the answer as the caller is told it, and the moment at which it leaves.
   */
  answered(answer: Answer): { readonly answer: Answer; readonly sentAt: Millis } {
    const { requestId } = this.arrival;
    const { errorMessage, badRequest } = answer.reply;
    const { mode } = this;
    const status = badRequest ? "invalid_argument" : answer.reply.status;
    const sentAt = Math.max(now(), answer.phases.lastTokenAt); // the clocks of two threads differ by a little
    this.#end(status, sentAt, answer);
    if (status === "ok") {
      const endToEndLatencyMs = sentAt - this.#receivedAt;
      log.debug("request {requestId} ended: {status}", { requestId, mode, status, endToEndLatencyMs });
      return { answer, sentAt };
    }
    this.#missed(status === "invalid_argument" ? "refused" : "failed", status, errorMessage);
    return { answer: this.#asTold(answer), sentAt };
  }

  /** The engine turns it away; gives the error as the caller is told it. */
  refused(thrown: unknown): OmnispanError {
    const error = thrown instanceof OmnispanError
      ? thrown
      : new OmnispanError("internal", messageOf(thrown), { cause: thrown });
    this.#end(error.code, now(), undefined);
    this.#missed("refused", error.code, error.message);
    return error;
  }

  #missed(outcome: Miss["outcome"], status: Miss["status"], message: string): void {
    const { door, peer, requestId } = this.arrival;
    const tenantId = this.#tenantId;
    this.door.missed({
      outcome,
      status,
      message,
      requestId: requestId.slice(0, MAX_ID_LENGTH),
      about: { door, mode: this.mode, ...(tenantId && { tenantId }), ...(peer && { peer }) },
    });
  }

  /** When the engine had it all, or began to hear of it. */
  get #receivedAt(): Millis {
    return this.#submission?.receivedAt ?? this.arrival.at;
  }

  #pass(delta: TokenDelta, onDelta: OnDelta): void {
    const request = this.#request!;
    request.firstTokenAt ??= now();
    request.tokens += delta.tokens;
    onDelta(delta);
  }

  /** A worker that knows no conversations would see an empty prompt; a single question is a prompt to it. */
  #asTheWorkerTakes(submission: Submission, names: FieldNames = {}): Submission {
    const { state, identity } = this.door.scheduler.worker;
    const lacks = ([, capability]: Need) => !identity?.capabilities.includes(capability);
    const { messages, ...rest } = submission;
    const isQuestion = messages?.length === 1 && messages[0]!.role === "user";
    const taken = isQuestion && lacks(["messages", "messages"])
      ? { ...rest, prompt: messages[0]!.content }
      : submission;
    const missing = needsOf(taken, names).find(lacks);
    if (!missing || (!identity && state !== "up")) return taken; // what it can may not be known yet
    const [field, capability] = missing;
    const who = identity ? `(${identity.backend}) has no` : "has no session to say that it has the";
    throw new OmnispanError(
      "invalid_argument",
      `${field} must not be given: the worker ${who} capability ${capability}`,
      { param: field },
    );
  }

  /** With keys, where the worker is and what its connection said is the operator's alone; the log has it. */
  #asTold(answer: Answer): Answer {
    const { status } = answer.reply;
    const lost = status === "worker_unavailable" || status === "worker_transport_error";
    if (!lost || !this.#caller || this.#caller.operator) return answer;
    const errorMessage = this.#request?.firstTokenAt === undefined
      ? "no worker takes requests"
      : `the worker was lost after ${this.#request.tokens} tokens of this answer`;
    return { ...answer, reply: { ...answer.reply, errorMessage } };
  }

  #end(status: RequestEnd["status"], endedAt: Millis, answer: Answer | undefined): void {
    if (this.#ended) return; // an answer that could not be written is not counted again
    this.#ended = true;
    const { door } = this.arrival;
    const request = this.#request;
    if (request) this.open.delete(request.ticket);
    // A failure tells no tokens, and those that went out were made.
    const outputTokens = Math.max(answer?.reply.outputTokens ?? 0, request?.tokens ?? 0);
    this.#discharge(status, outputTokens);
    const end: RequestEnd = {
      door,
      mode: this.mode,
      tenantId: this.#tenantId,
      status,
      receivedAt: this.#receivedAt,
      endedAt,
      outputTokens,
      request,
      answer,
      trace: this.#trace,
    };
    for (const observer of this.door.observers) observer.ended?.(end);
  }

  /** What the caller's key pays for it. */
  #discharge(status: RequestEnd["status"], outputTokens: number): void {
    const admitted = this.#admitted;
    if (!admitted) return;
    const ran = this.#request?.dispatch !== undefined;
    // What a worker made for a caller who left stays charged where its tokens were not seen.
    const unseen = ran && status === "cancelled" && !this.#request?.submission.stream;
    if (!ran && status !== "cancelled") admitted.giveBack();
    else if (!unseen) admitted.settle(outputTokens);
    admitted[Symbol.dispose]();
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
    ...about,
    ...(requestId && { firstRequestId: requestId }),
  });
}

/** A field that asks for something, and the capability that a worker needs for it. */
type Need = readonly [field: string, capability: string];

function needsOf({ messages, promptTokens, rawPrompt, options }: Submission, names: FieldNames): Need[] {
  const needs: [string, string, unknown][] = [
    ["messages", "messages", messages],
    [names.prompt_tokens ?? "prompt_tokens", "prompt_tokens", promptTokens],
    [names.raw_prompt ?? "raw_prompt", "raw_prompt", rawPrompt && !promptTokens],
    ["min_tokens", "min_tokens", options?.minTokens],
    ["frequency_penalty", "penalties", options?.frequencyPenalty],
    ["presence_penalty", "penalties", options?.presencePenalty],
    ["repetition_penalty", "penalties", options?.repetitionPenalty],
  ];
  return needs.flatMap(([field, capability, value]) => value ? [[field, capability] as const] : []);
}

/** A key's own limits bound what a request gets that names no max_tokens. */
function limitsFor(caller: Caller | undefined, settings: Settings): RequestLimits {
  if (!caller) return settings;
  const { DEFAULT_MAX_TOKENS, MAX_TOKENS_LIMIT, MAX_PROMPT_BYTES, MODE_HINTS } = settings;
  const { max_tokens = Infinity, tokens_per_minute = Infinity } = caller.limits;
  return {
    DEFAULT_MAX_TOKENS: Math.min(DEFAULT_MAX_TOKENS, max_tokens, tokens_per_minute),
    MAX_TOKENS_LIMIT,
    MAX_PROMPT_BYTES,
    MODE_HINTS,
  };
}
