import { getLogger } from "@logtape/logtape";
import type { ApiKeys, Caller } from "../access/api_keys.ts";
import { now } from "../clock.ts";
import type { Settings } from "../config.ts";
import { messageOf, OmnispanError } from "../errors.ts";
import type { DoorName, Observer, OpenRequest, RequestEnd } from "../observe/observer.ts";
import type { ReadHeader, Tracing } from "../observe/tracing.ts";
import type { OnDelta, SchedulerHandle } from "../scheduler/handle.ts";
import type { Answer, DispatchNotice, Millis, Mode, Submission, Ticket, TokenDelta } from "../types.ts";
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
  readonly at: Millis;
  readonly header: ReadHeader;
}

/**
 * The one way into the scheduler, whichever door a request came by: who asks, what they may, what is asked, and who
 * hears of it.
 */
export class Door {
  readonly #open = new Map<Ticket, OpenRequest>();

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
   * The worker has answered, well or with a failure. Gives the answer as the caller is told it, and the moment at
   * which it leaves.
   */
  answered(answer: Answer): { readonly answer: Answer; readonly sentAt: Millis } {
    const { requestId } = this.arrival;
    const { status, errorMessage } = answer.reply;
    const { mode } = this;
    const sentAt = Math.max(now(), answer.phases.lastTokenAt); // the clocks of two threads differ by a little
    this.#end(status, sentAt, answer);
    if (status === "ok") {
      const endToEndLatencyMs = sentAt - this.#receivedAt;
      log.debug("request {requestId} ended: {status}", { requestId, mode, status, endToEndLatencyMs });
      return { answer, sentAt };
    }
    log.warn("request {requestId} failed: {status}: {errorMessage}", {
      requestId,
      mode,
      status,
      errorMessage,
    });
    return { answer: this.#asTold(answer), sentAt };
  }

  /** The engine turns it away; gives the error as the caller is told it. */
  refused(thrown: unknown): OmnispanError {
    const error = thrown instanceof OmnispanError
      ? thrown
      : new OmnispanError("internal", messageOf(thrown), { cause: thrown });
    const { code, message } = error;
    this.#end(code, now(), undefined);
    log[code === "internal" ? "error" : "info"]("request {requestId} refused, {code}: {message}", {
      requestId: this.arrival.requestId.slice(0, MAX_ID_LENGTH),
      mode: this.mode,
      code,
      message,
    });
    return error;
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
