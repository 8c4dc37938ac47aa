import { getLogger } from "@logtape/logtape";
import type { ApiKeys, Caller } from "../access/api_keys.ts";
import { now } from "../clock.ts";
import type { Settings } from "../config/config.ts";
import { messageOf, OmnispanError } from "../core/errors.ts";
import { ledgerOf } from "../core/ledger.ts";
import type { Mode } from "../core/modes/modes.ts";
import type { Answer, Millis, Submission } from "../core/types.ts";
import type { AnsweredEnd, RequestEnd } from "../observe/observer.ts";
import type { OnDelta, SubmittedRequest } from "../scheduler/handle.ts";
import { cutToBytes } from "../utf8.ts";
import type { IncomingRequest, Ingress, Miss } from "./ingress.ts";
import {
  type FieldNames,
  MAX_ID_BYTES,
  type RawRequest,
  type Reception,
  type RequestLimits,
  validate,
} from "./validate.ts";

const log = getLogger(["omnispan", "ingress"]);

/** One request from its arrival to its one end; `answered` or `refused` ends it. */
export class Exchange {
  #submission: Submission | undefined;
  #request: SubmittedRequest | undefined;
  #leftFor: OmnispanError | undefined;
  #admitted: ReturnType<ApiKeys["admit"]> | undefined;
  #caller: Caller | undefined;
  #tenantId = "";
  #ended = false;
  readonly #trace;

  constructor(
    private readonly ingress: Ingress,
    private readonly incoming: IncomingRequest,
  ) {
    this.#trace = ingress.tracing?.begin(incoming.at, incoming.header);
  }

  /** The mode that it is scheduled by. */
  get mode(): Mode {
    return this.#submission?.mode ?? this.ingress.settings.ENGINE_MODE;
  }

  /**
   * Who asks.
   * @throws {OmnispanError} unauthenticated
   */
  identify(): Caller | undefined {
    this.#caller ??= this.ingress.keys?.identify(this.incoming.header("authorization"));
    if (this.#caller) this.#tenantId = this.#caller.tenantId;
    return this.#caller;
  }

  /**
   * Checks the request, which has come as a whole, and takes it against its caller's limits.
   * @throws {OmnispanError} when the engine refuses it
   */
  take(asked: RawRequest, reception: Reception): Submission {
    const { ingress } = this;
    const caller = this.identify();
    const raw = caller ? { ...asked, tenantId: caller.tenantId } : asked;
    this.#tenantId = cutToBytes(raw.tenantId, MAX_ID_BYTES);
    const submission = validate(raw, limitsFor(caller, ingress.settings), reception);
    const valid = this.#asTheWorkerTakes(submission, raw.names);
    if (caller) {
      this.#admitted = ingress.keys!.admit(caller, valid.maxTokens, now(), raw.names?.max_tokens);
    }
    return this.#submission = this.#trace ? { ...valid, traceparent: this.#trace.traceparent } : valid;
  }

  /**
   * Hands what was taken to the scheduler and waits for the worker's answer, which may be a failure. Gives the end as
   * the caller may see it, at the moment at which the answer leaves.
   * @throws {OmnispanError} when the scheduler refuses it, or the reason of `leave`
   */
  async answer(onDelta?: OnDelta): Promise<AnsweredEnd> {
    const { scheduler, observers } = this.ingress;
    const { mode, incoming: { transport } } = this;
    const request = scheduler.submit(
      { submission: this.#submission!, mode, transport, trace: this.#trace },
      onDelta,
    );
    this.#request = request;
    if (this.#leftFor) request.cancel(this.#leftFor);
    for (const observer of observers) observer.accepted?.(request);
    return this.#answered(await request.answer);
  }

  /** The caller wants no answer any more, for the first reason that is given. */
  leave(reason: OmnispanError): void {
    this.#leftFor ??= reason;
    this.#request?.cancel(this.#leftFor);
  }

  /** A failure that is the request's own fault counts as a refusal. */
  #answered(answer: Answer): AnsweredEnd {
    const { requestId } = this.incoming;
    const { errorMessage, badRequest } = answer.reply;
    const status = badRequest ? "invalid_argument" : answer.reply.status;
    const sentAt = Math.max(now(), answer.phases.lastTokenAt); // the clocks of two threads differ by a little
    const end = this.#end(status, sentAt, answer) as AnsweredEnd;
    if (status === "ok") {
      const { mode } = end;
      const endToEndLatencyMs = sentAt - end.receivedAt;
      log.debug("request {requestId} ended: {status}", { requestId, mode, status, endToEndLatencyMs });
      return end;
    }
    this.#logMiss(status === "invalid_argument" ? "refused" : "failed", status, errorMessage);
    return { ...end, answer: this.#asCallerMaySee(answer) };
  }

  /** The engine turns it away; gives the error as the caller is told it. */
  refused(thrown: unknown): OmnispanError {
    const error = thrown instanceof OmnispanError
      ? thrown
      : new OmnispanError("internal", messageOf(thrown), { cause: thrown });
    this.#end(error.code, now(), undefined);
    this.#logMiss("refused", error.code, error.message);
    return error;
  }

  #logMiss(outcome: Miss["outcome"], status: Miss["status"], message: string): void {
    const { transport, peer, requestId } = this.incoming;
    const tenantId = this.#tenantId;
    this.ingress.logMiss({
      outcome,
      status,
      message,
      requestId: cutToBytes(requestId, MAX_ID_BYTES),
      about: { transport, mode: this.mode, ...(tenantId && { tenantId }), ...(peer && { peer }) },
    });
  }

  /** When the engine had it all, or began to hear of it. */
  get #receivedAt(): Millis {
    return this.#submission?.receivedAt ?? this.incoming.at;
  }

  /** A worker that knows no conversations would see an empty prompt; a single question is a prompt to it. */
  #asTheWorkerTakes(submission: Submission, names: FieldNames = {}): Submission {
    const { state, identity } = this.ingress.scheduler.worker;
    const has = (capability: string) => identity?.capabilities.includes(capability) ?? false;
    const taken = has("messages") ? submission : withoutConversation(submission);
    const missing = NEEDS.find(({ capability, isNeededBy }) => isNeededBy(taken) && !has(capability));
    if (!missing || (!identity && state !== "up")) return taken; // what it can may not be known yet
    const { capability } = missing;
    const field = names[missing.field as keyof FieldNames] ?? missing.field;
    const who = identity ? `(${identity.backend}) has no` : "has no session to say that it has the";
    throw new OmnispanError(
      "invalid_argument",
      `${field} must not be given: the worker ${who} capability ${capability}`,
      { param: field },
    );
  }

  /** With keys, where the worker is and what its connection said is the operator's alone; the log has it. */
  #asCallerMaySee(answer: Answer): Answer {
    const { status } = answer.reply;
    const lost = status === "worker_unavailable" || status === "worker_transport_error";
    if (!lost || !this.#caller || this.#caller.operator) return answer;
    const errorMessage = this.#request?.firstTokenAt === undefined
      ? "no worker takes requests"
      : `the worker was lost after ${this.#request.tokens} tokens of this answer`;
    return { ...answer, reply: { ...answer.reply, errorMessage } };
  }

  #end(status: RequestEnd["status"], endedAt: Millis, answer: Answer | undefined): RequestEnd {
    const request = this.#request;
    // A failure tells no tokens, and those that went out were made.
    const outputTokens = Math.max(answer?.reply.outputTokens ?? 0, request?.tokens ?? 0);
    const receivedAt = this.#receivedAt;
    const end: RequestEnd = {
      transport: this.incoming.transport,
      mode: this.mode,
      tenantId: this.#tenantId,
      status,
      receivedAt,
      endedAt,
      outputTokens,
      request,
      answer,
      dispatch: answer && answer.attempts > 0 ? request?.dispatch : undefined,
      ledger: answer && ledgerOf(receivedAt, answer, endedAt),
      trace: this.#trace,
    };
    if (this.#ended) return end; // an answer that could not be written is not counted again
    this.#ended = true;
    this.#discharge(status, outputTokens);
    for (const observer of this.ingress.observers) observer.ended?.(end);
    return end;
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

/** The fields that a worker must have a capability for. */
const NEEDS: readonly {
  readonly field: string;
  readonly capability: string;
  readonly isNeededBy: (submission: Submission) => unknown;
}[] = [
  { field: "messages", capability: "messages", isNeededBy: ({ messages }) => messages },
  { field: "prompt_tokens", capability: "prompt_tokens", isNeededBy: ({ promptTokens }) => promptTokens },
  {
    field: "raw_prompt",
    capability: "raw_prompt",
    isNeededBy: ({ rawPrompt, promptTokens }) => rawPrompt && !promptTokens,
  },
  { field: "min_tokens", capability: "min_tokens", isNeededBy: ({ options }) => options?.minTokens },
  {
    field: "frequency_penalty",
    capability: "penalties",
    isNeededBy: ({ options }) => options?.frequencyPenalty,
  },
  {
    field: "presence_penalty",
    capability: "penalties",
    isNeededBy: ({ options }) => options?.presencePenalty,
  },
  {
    field: "repetition_penalty",
    capability: "penalties",
    isNeededBy: ({ options }) => options?.repetitionPenalty,
  },
];

/** A conversation that is a single question as a prompt. */
function withoutConversation(submission: Submission): Submission {
  const { messages: [question, more] = [] } = submission;
  if (question?.role !== "user" || more) return submission;
  const { messages: _, ...rest } = submission;
  return { ...rest, prompt: question.content };
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
