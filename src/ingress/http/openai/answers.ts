/** The bodies of OpenAI's API, made of our answers. */
import type { Millis, Submission } from "../../../core/types.ts";
import type { AnsweredEnd } from "../../../observe/observer.ts";

/** The two kinds of answer differ in their names and in where the text stands. */
export interface AnswerKind {
  readonly idPrefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** A choice of a whole answer. */
  whole(text: string): Readonly<Record<string, unknown>>;
  /** A choice of a chunk; `first`: nothing of this choice was sent before. */
  piece(text: string, first: boolean): Readonly<Record<string, unknown>>;
  /** A choice of the chunk that ends it. */
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

/** What all bodies of one HTTP answer say. */
export interface AnswerHead {
  readonly kind: AnswerKind;
  readonly requestId: string;
  readonly receivedAt: Millis;
  /** As it is known once there is something to say. */
  readonly model: () => string;
  /** The caller wants the token counts at the end of a stream. */
  readonly usage: boolean;
  /** The caller wants the token counts so far in each chunk. */
  readonly continuousUsage: boolean;
}

/** The body of an answer in one piece. Where there are several choices, each has its own `omnispan`. */
export function wholeAnswer(head: AnswerHead, all: readonly AnsweredEnd[]) {
  const [only, ...others] = all;
  const several = others.length > 0;
  const choices = all.map((one, index) => ({
    index,
    ...head.kind.whole(one.answer.reply.responseText),
    logprobs: null,
    finish_reason: finishReason(one),
    ...(several && { omnispan: details(one) }),
  }));
  return {
    ...headOf(head, head.kind.object),
    choices,
    usage: usageOf(all),
    ...(!several && { omnispan: details(only!) }),
  };
}

/** Makes the events of one stream; a choice's index is its prompt's. */
export class AnswerEvents {
  #made: string | undefined;
  /** Output tokens so far, of each choice. */
  readonly #tokens: number[];
  readonly #begun = new Set<number>();

  constructor(private readonly head: AnswerHead, private readonly submissions: readonly Submission[]) {
    this.#tokens = submissions.map(() => 0);
  }

  /** Counts tokens of a choice whose text is in the next piece of it. */
  count(index: number, tokens: number): void {
    this.#tokens[index]! += tokens;
  }

  piece(text: string, index: number): string {
    const first = !this.#begun.has(index);
    this.#begun.add(index);
    const prompt = this.submissions[index]!.promptTokens?.length ?? null; // only the worker can count a text's
    const completion = this.#tokens[index]!;
    const usage = usageBody(prompt, completion);
    return this.#event(index, this.head.kind.piece(text, first), null, usage);
  }

  /** The events after a choice's last token: why it ended, and where its time went. */
  last(index: number, answered: AnsweredEnd): string[] {
    const more = `,"omnispan":${JSON.stringify(details(answered))}`;
    const last = () =>
      this.#event(index, this.head.kind.last(), finishReason(answered), usageOf([answered]), more);
    return this.#begun.has(index) ? [last()] : [this.piece("", index), last()];
  }

  /** The events after all choices: the counts if they are wanted, and OpenAI's end mark. */
  end(all: readonly AnsweredEnd[]): string[] {
    if (!this.head.usage) return ["[DONE]"];
    return [`${this.#head},"choices":[],"usage":${JSON.stringify(usageOf(all))}}`, "[DONE]"];
  }

  get #head(): string {
    return this.#made ??= JSON.stringify(headOf(this.head, this.head.kind.chunkObject)).slice(0, -1);
  }

  #event(
    index: number,
    choice: Readonly<Record<string, unknown>>,
    reason: string | null,
    usage: Usage,
    more = "",
  ): string {
    const choices = JSON.stringify([{ index, ...choice, logprobs: null, finish_reason: reason }]);
    const { continuousUsage } = this.head;
    const counts = continuousUsage ? JSON.stringify(usage) : this.head.usage ? "null" : undefined;
    return `${this.#head},"choices":${choices}${counts === undefined ? "" : `,"usage":${counts}`}${more}}`;
  }
}

function headOf({ kind, requestId, model, receivedAt }: AnswerHead, object: string) {
  return { id: kind.idPrefix + requestId, object, created: Math.floor(receivedAt / 1000), model: model() };
}

/** Workers that speak the first contract alone do not say why an answer ended, and clients can't do without. */
function finishReason({ request: { submission }, answer: { reply } }: AnsweredEnd): string {
  return reply.finishReason || (reply.outputTokens >= submission.maxTokens ? "length" : "stop");
}

type Usage = ReturnType<typeof usageBody>;

/** `prompt` is null while it is not known. */
function usageBody(prompt: number | null, completion: number) {
  const total = prompt === null ? null : prompt + completion;
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total };
}

function usageOf(all: readonly AnsweredEnd[]): Usage {
  let input = 0;
  let output = 0;
  for (const { answer: { reply } } of all) {
    input += reply.inputTokens;
    output += reply.outputTokens;
  }
  return usageBody(input, output);
}

/** Where the time went: an addition of ours, which clients of OpenAI's API pass over. */
function details({ receivedAt, endedAt, answer, mode, dispatch, ledger }: AnsweredEnd) {
  const { phases, reply, attempts } = answer;
  const decoded = Math.max(1, reply.outputTokens - 1);
  return {
    mode,
    ttft_ms: phases.firstTokenAt - receivedAt,
    tpot_ms: (phases.lastTokenAt - phases.firstTokenAt) / decoded,
    e2e_ms: endedAt - receivedAt,
    queue_wait_ms: phases.dispatchedAt - receivedAt,
    timing: Object.fromEntries(Object.entries(ledger).map(([phase, ms]) => [`${phase}_ms`, ms])),
    dispatch: dispatch && {
      id: dispatch.id,
      size: dispatch.tickets.length,
      reason: dispatch.reason,
      late_ms: dispatch.lateMs,
      attempts,
    },
  };
}
