/** What the bodies of the two generating endpoints ask of the engine. */
import { cutToBytes } from "../../../utf8.ts";
import { MAX_ID_BYTES, type RawRequest } from "../../validate.ts";
import { CHAT_FIELDS, COMPLETION_FIELDS, MAX_PROMPTS, type PromptInput } from "./fields.ts";
import { invalid, mustBe, type Read, readObject, type UnknownFields } from "./schema.ts";

/** OpenAI's default, where a request names none. */
const DEFAULT_TEMPERATURE = 1;
/** OpenAI lets top_p be 0; our field says 1 with that. The worker takes anything so small as one token. */
const LEAST_TOP_P = 1e-9;

/** What headers of ours say. */
export interface OwnHeaders {
  readonly requestId: string;
  readonly tenantId: string | undefined;
  readonly modeHint: string;
}

/** A body that was read. */
export interface Asked {
  readonly model: string | undefined;
  readonly stream: boolean;
  /** Token counts at the end of a stream. */
  readonly usage: boolean;
  /** Token counts so far in each chunk of a stream. */
  readonly continuousUsage: boolean;
  /** One for each prompt, and at least one. */
  readonly requests: readonly RawRequest[];
}

/** What both endpoints read the same way. */
type SharedBody = Omit<Read<typeof CHAT_FIELDS>, "messages" | "max_completion_tokens">;

/**
 * A body of `POST /v1/chat/completions`.
 * @throws {OmnispanError} invalid_argument
 */
export function readChat(value: unknown, own: OwnHeaders, unknown: UnknownFields): Asked {
  const body = readObject(CHAT_FIELDS, value, { path: "", unknown });
  const { messages, max_tokens, max_completion_tokens: maxTokens = max_tokens } = body;
  if (!messages) throw mustBe("messages", CHAT_FIELDS.messages.kind.rule, undefined);
  if (max_tokens !== undefined && max_tokens !== maxTokens) {
    throw mustBe("max_tokens", `max_completion_tokens (${maxTokens}) where both are given`, max_tokens);
  }
  const { names, ...shared } = sharedRequest({ ...body, max_tokens: maxTokens! }, own);
  const max_tokens_name = body.max_completion_tokens === undefined ? "max_tokens" : "max_completion_tokens";
  const request = { ...shared, names: { ...names, max_tokens: max_tokens_name }, messages };
  return { ...askedOf(body), requests: [request] };
}

/**
 * A body of `POST /v1/completions`. Each prompt goes to the model as it is, without a chat template, as OpenAI has it.
 * @throws {OmnispanError} invalid_argument
 */
export function readCompletion(value: unknown, own: OwnHeaders, unknown: UnknownFields): Asked {
  const body = readObject(COMPLETION_FIELDS, value, { path: "", unknown });
  const { prompt: prompts } = body;
  if (!prompts) throw mustBe("prompt", COMPLETION_FIELDS.prompt.kind.rule, undefined);
  const shared = sharedRequest(body, own);
  const ownId = cutToBytes(own.requestId, MAX_ID_BYTES - 1 - String(MAX_PROMPTS).length);
  const requests = prompts.map((prompt: PromptInput, index: number): RawRequest => {
    const name = prompts.length === 1 ? "prompt" : `prompt[${index}]`;
    return {
      ...shared,
      requestId: index === 0 ? own.requestId : `${ownId}-${index}`,
      names: { ...shared.names, prompt: name, prompt_tokens: name, raw_prompt: name },
      rawPrompt: true,
      ...(typeof prompt === "string" ? { prompt } : { promptTokens: prompt }),
    };
  });
  return { ...askedOf(body), requests };
}

/** @throws {OmnispanError} invalid_argument */
function askedOf({ model, stream = false, stream_options = {} }: SharedBody): Omit<Asked, "requests"> {
  const { include_usage: usage = false, continuous_usage_stats: continuousUsage = false } = stream_options;
  if (!stream && (usage || continuousUsage)) {
    throw invalid("stream_options", "must ask for nothing without stream: true");
  }
  return { model, stream, usage, continuousUsage };
}

/** The sampling fields and ids of a request; the prompt is the endpoint's own. */
function sharedRequest(body: SharedBody, { requestId, tenantId, modeHint }: OwnHeaders): RawRequest {
  const { top_p: topP, seed, user, safety_identifier } = body;
  const userField = user === undefined && safety_identifier !== undefined ? "safety_identifier" : "user";
  return {
    requestId,
    tenantId: tenantId ?? body[userField] ?? "",
    modeHint,
    names: {
      request_id: "x-request-id",
      mode_hint: "omnispan-mode",
      tenant_id: tenantId === undefined ? userField : "omnispan-tenant",
    },
    prompt: "",
    promptTokens: [],
    messages: [],
    rawPrompt: false,
    maxTokens: body.max_tokens ?? 0,
    minTokens: body.min_tokens ?? 0,
    temperature: body.temperature ?? DEFAULT_TEMPERATURE,
    topP: topP === 0 ? LEAST_TOP_P : topP ?? 0,
    topK: body.top_k ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    presencePenalty: body.presence_penalty ?? 0,
    repetitionPenalty: body.repetition_penalty ?? 0,
    ...(seed !== undefined && { seed }),
    stop: body.stop ?? [],
    ignoreEos: body.ignore_eos ?? false,
  };
}
