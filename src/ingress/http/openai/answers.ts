/** The bodies of OpenAI's API, made of our answers. */
import type { Answer, Millis, Mode, Submission } from "../../../types.ts";
import { ledger } from "../../../ledger.ts";

/** The two kinds of answer differ in their names and in where the text stands. */
export interface AnswerKind {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** A choice of a whole answer. */
  whole(text: string): Readonly<Record<string, unknown>>;
  /** A choice of a chunk; `first`: nothing was sent before. */
  piece(text: string, first: boolean): Readonly<Record<string, unknown>>;
  /** A choice of the chunk that ends the stream. */
  last(): Readonly<Record<string, unknown>>;
}

export const CHAT: AnswerKind = {
  idPrefix: "chatcmpl-",
  object: "chat.completion",
  chunkObject: "chat.completion.chunk",
  whole: (content) => ({ message: { role: "assistant", content, refusal: null } }),
  piece: (content, first) => ({ delta: first ? { role: "assistant", content } : { content } }),
  last: () => ({ delta: {} }),
};

export const COMPLETION: AnswerKind = {
  idPrefix: "cmpl-",
  object: "text_completion",
  chunkObject: "text_completion",
  whole: (text) => ({ text }),
  piece: (text) => ({ text }),
  last: () => ({ text: "" }),
};

/** What all bodies of one answer say. */
export interface AnswerHead {
  readonly kind: AnswerKind;
  readonly requestId: string;
  /** As it is known once there is something to say. */
  readonly model: () => string;
  /** The caller wants the token counts of a stream. */
  readonly usage: boolean;
}

/** The body of an answer in one piece. */
export function wholeAnswer(
  head: AnswerHead,
  submission: Submission,
  answer: Answer,
  mode: Mode,
  sentAt: Millis,
) {
  const { reply } = answer;
  const choice = {
    index: 0,
    ...head.kind.whole(reply.responseText),
    logprobs: null,
    finish_reason: finishReason(submission, answer),
  };
  return {
    ...headOf(head, head.kind.object, submission.receivedAt),
    choices: [choice],
    usage: usageOf(answer),
    omnispan: details(submission, answer, mode, sentAt),
  };
}

/** Makes the events of one stream. */
export class AnswerEvents {
  #made: string | undefined;
  #first = true;

  constructor(private readonly head: AnswerHead, private readonly receivedAt: Millis) {}

  piece(text: string): string {
    const choice = {
      index: 0,
      ...this.head.kind.piece(text, this.#first),
      logprobs: null,
      finish_reason: null,
    };
    this.#first = false;
    return this.#event([choice]);
  }

  /** The events after the last token: why it ended, the counts if they are wanted, and OpenAI's end mark. */
  end(submission: Submission, answer: Answer, mode: Mode, sentAt: Millis): string[] {
    const choice = {
      index: 0,
      ...this.head.kind.last(),
      logprobs: null,
      finish_reason: finishReason(submission, answer),
    };
    const last = this.#event(
      [choice],
      `,"omnispan":${JSON.stringify(details(submission, answer, mode, sentAt))}`,
    );
    const events = this.#first ? [this.piece(""), last] : [last];
    if (this.head.usage) {
      events.push(`${this.#head},"choices":[],"usage":${JSON.stringify(usageOf(answer))}}`);
    }
    return [...events, "[DONE]"];
  }

  get #head(): string {
    const { head, receivedAt } = this;
    return this.#made ??= JSON.stringify(headOf(head, head.kind.chunkObject, receivedAt)).slice(0, -1);
  }

  #event(choices: readonly unknown[], more = ""): string {
    const usage = this.head.usage ? ',"usage":null' : "";
    return `${this.#head},"choices":${JSON.stringify(choices)}${usage}${more}}`;
  }
}

function headOf({ kind, requestId, model }: AnswerHead, object: string, receivedAt: Millis) {
  return { id: kind.idPrefix + requestId, object, created: Math.floor(receivedAt / 1000), model: model() };
}

/** Workers that speak the first contract alone do not say why an answer ended, and clients can't do without. */
function finishReason({ maxTokens }: Submission, { reply }: Answer): string {
  return reply.finishReason || (reply.outputTokens >= maxTokens ? "length" : "stop");
}

function usageOf({ reply: { inputTokens, outputTokens } }: Answer) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

/** Where the time went: an addition of ours, which clients of OpenAI's API pass over. */
function details({ receivedAt }: Submission, answer: Answer, mode: Mode, sentAt: Millis) {
  const { phases, dispatch, reply } = answer;
  const decoded = Math.max(1, reply.outputTokens - 1);
  return {
    mode,
    ttft_ms: phases.firstTokenAt - receivedAt,
    tpot_ms: (phases.lastTokenAt - phases.firstTokenAt) / decoded,
    e2e_ms: sentAt - receivedAt,
    queue_wait_ms: phases.dispatchedAt - receivedAt,
    timing: Object.fromEntries(
      Object.entries(ledger(receivedAt, answer, sentAt)).map(([phase, ms]) => [`${phase}_ms`, ms]),
    ),
    dispatch: dispatch && {
      id: dispatch.id,
      size: dispatch.size,
      reason: dispatch.reason,
      late_ms: dispatch.lateMs,
      attempts: dispatch.attempts,
    },
  };
}
