/**
 * Every field of OpenAI's API and of the servers like it that is known here: what is done, what is taken because it
 * asks for nothing, and why more is refused. The endpoints read by these tables and docs/http.md shows them.
 */
import { MAX_MESSAGES, MAX_PENALTY, MAX_STOPS, REPETITION_PENALTY } from "../../validate.ts";
import {
  type Fields,
  flag,
  invalid,
  isObject,
  type Kind,
  list,
  mustBe,
  number,
  object,
  readObject,
  text,
  whole,
} from "./schema.ts";

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_PARTS = 1024;

/** Most prompts of one request for completions. */
export const MAX_PROMPTS = 128;

/** A prompt as a text, or as the model's tokens. */
export type PromptInput = string | readonly number[];

/** Roles as OpenAI has them, and what chat templates know them as. */
const ROLES = new Map(
  Object.entries({ system: "system", developer: "system", user: "user", assistant: "assistant" }),
);
const TOOL_ROLES: readonly unknown[] = ["tool", "function"];
/** Parts of contents that OpenAI has and we don't. */
const OTHER_PARTS: readonly unknown[] = ["image_url", "input_audio", "file", "refusal"];

const role: Kind<string> = {
  rule: `one of ${[...ROLES.keys()].join(", ")}`,
  read(value, { path }) {
    if (!TOOL_ROLES.includes(value)) return typeof value === "string" ? ROLES.get(value) : undefined;
    throw invalid(path, `must be ${this.rule}: there are no tools here, got "${value}"`);
  },
};

export const PART_FIELDS = {
  type: { kind: text, without: "refused; `text` is the one type" },
  text: { kind: text, without: "refused" },
  annotations: { nothing: [[]], why: "a text alone is taken" },
  prompt_cache_breakpoint: { idle: "OpenAI's cache of prompts" },
} as const satisfies Fields;

const part: Kind<string> = {
  rule: "an object",
  read(value, at) {
    if (!isObject(value)) return undefined;
    const { type } = value;
    if (OTHER_PARTS.includes(type)) {
      throw invalid(`${at.path}.type`, `must be "text": other content is not supported here, got "${type}"`);
    }
    if (type !== "text") throw mustBe(`${at.path}.type`, '"text"', type);
    const { text } = readObject(PART_FIELDS, value, at);
    if (text === undefined) throw mustBe(`${at.path}.text`, "a text", value["text"]);
    return text;
  },
};

/** The texts of several parts are one text. */
const content: Kind<string> = {
  rule: `a text or an array of 1 to ${MAX_PARTS} parts`,
  read: (value, at) =>
    Array.isArray(value) ? list(part, MAX_PARTS).read(value, at)?.join("") : text.read(value, at),
};

export const MESSAGE_FIELDS = {
  role: { kind: role, without: "refused" },
  content: { kind: content, without: "refused; of `assistant` the empty text" },
  name: { idle: "telling speakers of one role apart; chat templates have no place for it" },
  type: { nothing: ["message", "text"], why: "a message is its text" },
  refusal: { nothing: [""], why: "a message is its text" },
  reasoning: { nothing: [""], why: "a message is its text" },
  reasoning_content: { nothing: [""], why: "a message is its text" },
  annotations: { nothing: [[]], why: "a message is its text" },
  audio: { nothing: [], why: "a message is its text" },
  function_call: { nothing: [], why: "there are no tools here" },
  tool_call_id: { nothing: [], why: "there are no tools here" },
  tool_calls: { nothing: [[]], why: "there are no tools here" },
} as const satisfies Fields;

const message: Kind<{ readonly role: string; readonly content: string }> = {
  rule: "an object",
  read(value, at) {
    const { role: known, content: said } = readObject(MESSAGE_FIELDS, value, at);
    if (known === undefined) throw mustBe(`${at.path}.role`, role.rule, undefined);
    if (said !== undefined) return { role: known, content: said };
    if (known === "assistant") return { role: known, content: "" };
    throw mustBe(`${at.path}.content`, content.rule, (value as Record<string, unknown>)["content"]);
  },
};

export const STREAM_OPTIONS_FIELDS = {
  include_usage: { kind: flag, nothing: [false], without: "no counts at the end of the stream" },
  continuous_usage_stats: { kind: flag, nothing: [false], without: "no counts in its chunks" },
  include_obfuscation: { nothing: [false], why: "chunks are not padded" },
} as const satisfies Fields;

/** 32 bits of it go to the worker: those of a seed that has no more are the seed itself. */
const seed: Kind<number> = {
  rule: "a whole number of 64 bits",
  read(value) {
    if (!Number.isInteger(value) || Math.abs(value as number) > 2 ** 63) return undefined;
    const bits = BigInt.asUintN(64, BigInt(value as number));
    return Number((bits >> 32n) ^ (bits & 0xffff_ffffn));
  },
};

const stop: Kind<readonly string[]> = {
  rule: `a text or an array of up to ${MAX_STOPS} texts`,
  read(value) {
    const texts = typeof value === "string" ? [value] : value;
    if (!Array.isArray(texts) || texts.length > MAX_STOPS) return undefined;
    return texts.every((text) => typeof text === "string") ? texts : undefined;
  },
};

const prompts: Kind<readonly PromptInput[]> = {
  rule: `a text, an array of token ids (whole numbers from 0), or an array of 1 to ${MAX_PROMPTS} of these`,
  read(value) {
    if (isPrompt(value)) return [value];
    if (!Array.isArray(value) || value.length < 1 || value.length > MAX_PROMPTS) return undefined;
    return value.every(isPrompt) ? value : undefined;
  },
};

function isPrompt(value: unknown): value is PromptInput {
  if (!Array.isArray(value)) return typeof value === "string";
  return value.length > 0 && value.every((id) => Number.isInteger(id) && id >= 0 && id <= MAX_UINT32);
}

const ONE_ANSWER = "one answer is made to a prompt, by sampling";
const NO_TOOLS = "there are no tools here";
const NO_LOGPROBS = "probabilities are not returned";
const NO_GRAMMAR = "an answer is free text";
const NO_FILTER = "of the ways to sample there are temperature, top_p, top_k and the penalties";
const NO_STOP_TOKENS = "an answer stops at the model's end, at stop texts and at max_tokens";
const NO_TEMPLATE = "a prompt is made by the model's own chat template, or goes as it is";
const NO_TOKENS = "an answer is text";
const TEXT_ONLY = "texts alone are taken and made";
const NOT_STORED = "nothing is kept of an answer";
const NOT_OPENAI = "it is a service of OpenAI's";

const SHARED = {
  model: { kind: text, without: "the one that is served; so does `default`" },
  max_tokens: { kind: whole(1), without: "`DEFAULT_MAX_TOKENS`, or less if the key allows less" },
  min_tokens: {
    kind: whole(1),
    nothing: [0],
    without: "the model or a stop text may end the answer at once",
  },
  temperature: {
    kind: number(0, 2),
    without: "1, as OpenAI has it; 0 is greedy. Over gRPC an absent one is 0",
  },
  top_p: { kind: number(0, 1), without: "1; 0 leaves the likeliest token alone" },
  top_k: { kind: whole(0, MAX_UINT32), nothing: [0, -1], without: "all tokens" },
  frequency_penalty: { kind: number(-MAX_PENALTY, MAX_PENALTY), nothing: [0], without: "none" },
  presence_penalty: { kind: number(-MAX_PENALTY, MAX_PENALTY), nothing: [0], without: "none" },
  repetition_penalty: {
    kind: number(REPETITION_PENALTY.least, REPETITION_PENALTY.most),
    nothing: [1],
    without: "none",
  },
  seed: { kind: seed, nothing: [-1], without: "any" },
  stop: { kind: stop, nothing: ["", []], without: "none" },
  ignore_eos: { kind: flag, nothing: [false], without: "the model may end the answer before `max_tokens`" },
  stream: { kind: flag, nothing: [false], without: "the answer in one piece" },
  stream_options: { kind: object(STREAM_OPTIONS_FIELDS), without: "as if empty; asks only beside `stream`" },
  user: { kind: text, without: "`safety_identifier`" },
  safety_identifier: { kind: text, without: "no tenant, unless a header or the key names one" },

  n: { nothing: [1], why: ONE_ANSWER },
  best_of: { nothing: [1], why: ONE_ANSWER },
  use_beam_search: { nothing: [false], why: ONE_ANSWER },
  length_penalty: { nothing: [1], why: ONE_ANSWER },
  logit_bias: { nothing: [{}], why: NO_FILTER },
  min_p: { nothing: [0], why: NO_FILTER },
  top_a: { nothing: [0], why: NO_FILTER },
  typical_p: { nothing: [1], why: NO_FILTER },
  allowed_token_ids: { nothing: [[]], why: NO_FILTER },
  bad_words: { nothing: [[]], why: NO_FILTER },
  logits_processors: { nothing: [[]], why: NO_FILTER },
  logprobs: { nothing: [false, 0], why: NO_LOGPROBS },
  top_logprobs: { nothing: [0], why: NO_LOGPROBS },
  prompt_logprobs: { nothing: [false], why: NO_LOGPROBS },
  return_token_ids: { nothing: [false], why: NO_TOKENS },
  return_tokens_as_token_ids: { nothing: [false], why: NO_TOKENS },
  skip_special_tokens: { nothing: [true], why: NO_TOKENS },
  include_stop_str_in_output: { nothing: [false], why: NO_STOP_TOKENS },
  stop_token_ids: { nothing: [[]], why: NO_STOP_TOKENS },
  response_format: { nothing: [{ type: "text" }], why: NO_GRAMMAR },
  structured_outputs: { nothing: [{}], why: NO_GRAMMAR },
  guided_json: { nothing: [], why: NO_GRAMMAR },
  guided_regex: { nothing: [], why: NO_GRAMMAR },
  guided_choice: { nothing: [[]], why: NO_GRAMMAR },
  guided_grammar: { nothing: [], why: NO_GRAMMAR },
  truncate_prompt_tokens: { nothing: [], why: "a prompt is taken whole or refused" },
  priority: { nothing: [0], why: "a mode's queue is first in, first out" },
  store: { nothing: [false], why: NOT_STORED },
  metadata: { idle: "finding stored answers; nothing is stored" },
} as const satisfies Fields;

/** A body of `POST /v1/chat/completions`. */
export const CHAT_FIELDS = {
  messages: { kind: list(message, MAX_MESSAGES), without: "refused" },
  max_completion_tokens: { kind: whole(1), without: "`max_tokens`; both are equal where both are given" },
  ...SHARED,
  tools: { nothing: [[]], why: NO_TOOLS },
  tool_choice: { nothing: ["none", "auto"], why: NO_TOOLS },
  parallel_tool_calls: { nothing: [true, false], why: NO_TOOLS },
  functions: { nothing: [[]], why: NO_TOOLS },
  function_call: { nothing: ["none", "auto"], why: NO_TOOLS },
  add_generation_prompt: { nothing: [true], why: NO_TEMPLATE },
  continue_final_message: { nothing: [false], why: NO_TEMPLATE },
  add_special_tokens: { nothing: [false], why: NO_TEMPLATE },
  chat_template: { nothing: [""], why: NO_TEMPLATE },
  chat_template_kwargs: { nothing: [{}], why: NO_TEMPLATE },
  documents: { nothing: [[]], why: NO_TEMPLATE },
  echo: { nothing: [false], why: NO_TEMPLATE },
  modalities: { nothing: [["text"]], why: TEXT_ONLY },
  audio: { nothing: [], why: TEXT_ONLY },
  reasoning_effort: { nothing: ["none"], why: "a model answers as it was made to" },
  verbosity: { nothing: ["medium"], why: "a model answers as it was made to" },
  moderation: { nothing: [], why: NOT_OPENAI },
  prediction: { nothing: [], why: NOT_OPENAI },
  service_tier: { nothing: ["auto", "default"], why: NOT_OPENAI },
  web_search_options: { nothing: [], why: NOT_OPENAI },
  prompt_cache_key: { idle: "OpenAI's cache of prompts" },
  prompt_cache_options: { idle: "OpenAI's cache of prompts" },
  prompt_cache_retention: { idle: "OpenAI's cache of prompts" },
} as const satisfies Fields;

/** A body of `POST /v1/completions`. */
export const COMPLETION_FIELDS = {
  prompt: { kind: prompts, without: "refused" },
  ...SHARED,
  add_special_tokens: { nothing: [true], why: NO_TEMPLATE },
  echo: { nothing: [false], why: "an answer does not repeat its prompt" },
  suffix: { nothing: [""], why: "an answer stands at the prompt's end" },
} as const satisfies Fields;
