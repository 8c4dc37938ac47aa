/** What the two generating endpoints of OpenAI's API have in common, as zod reads it. */
import { z } from "zod";
import { OmnispanError } from "../../../errors.ts";
import type { RawRequest } from "../../validate.ts";

/** OpenAI's default, where a request names none. */
const DEFAULT_TEMPERATURE = 1;
/** OpenAI lets top_p be 0; our field says 1 with that. The worker takes anything so small as one token. */
const LEAST_TOP_P = 1e-9;

/** A field that we don't have: only the values that ask for nothing are taken. */
export function unsupported(...harmless: readonly unknown[]): z.ZodType {
  return z.unknown().optional().refine(
    (value) => value === undefined || value === null || harmless.some((one) => equal(one, value)),
    { error: ({ input }) => `is not supported here, got ${shown(input)}` },
  );
}

const number = (min: number, max: number) => z.number().min(min).max(max).nullish();
const whole = (min: number, max: number) => z.int().min(min).max(max).nullish();

/** Fields of both. Those that are listed as unsupported are known ones; all others are refused as unknown. */
export const sharedFields = {
  model: z.string().nullish(),
  max_tokens: whole(1, 2 ** 32 - 1),
  temperature: number(0, 2),
  top_p: number(0, 1),
  seed: whole(0, 2 ** 32 - 1),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({
    include_usage: z.boolean().nullish(),
    include_obfuscation: unsupported(false),
  }).nullish(),
  user: z.string().nullish(),
  // Fields of ours, named as other servers name them.
  top_k: whole(0, 2 ** 32 - 1),
  ignore_eos: z.boolean().nullish(),
  n: unsupported(1),
  presence_penalty: unsupported(0),
  frequency_penalty: unsupported(0),
  logit_bias: unsupported({}),
} as const;

/** Fields that both endpoints read the same way. */
export interface SharedRequest {
  readonly model?: string | null | undefined;
  readonly max_tokens?: number | null | undefined;
  readonly temperature?: number | null | undefined;
  readonly top_p?: number | null | undefined;
  readonly seed?: number | null | undefined;
  readonly stop?: string | readonly string[] | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
  readonly user?: string | null | undefined;
  readonly top_k?: number | null | undefined;
  readonly ignore_eos?: boolean | null | undefined;
}

/** What headers of ours say. */
export interface OwnHeaders {
  readonly requestId: string;
  readonly tenantId: string | undefined;
  readonly modeHint: string;
}

/** The sampling fields and ids of a request; the prompt is the endpoint's own. */
export function sharedRequest(
  body: SharedRequest,
  { requestId, tenantId, modeHint }: OwnHeaders,
): Omit<RawRequest, "prompt" | "messages" | "rawPrompt"> {
  const { top_p: topP, seed, stop } = body;
  return {
    requestId,
    tenantId: tenantId ?? body.user ?? "",
    modeHint,
    names: {
      request_id: "x-request-id",
      mode_hint: "omnispan-mode",
      tenant_id: tenantId === undefined ? "user" : "omnispan-tenant",
    },
    maxTokens: body.max_tokens ?? 0,
    temperature: body.temperature ?? DEFAULT_TEMPERATURE,
    topP: topP === 0 ? LEAST_TOP_P : topP ?? 0,
    topK: body.top_k ?? 0,
    ...(seed !== undefined && seed !== null && { seed }),
    stop: typeof stop === "string" ? [stop] : stop ?? [],
    ignoreEos: body.ignore_eos ?? false,
  };
}

/**
 * Reads a body by its schema.
 * @throws {OmnispanError} invalid_argument that names the first field that is wrong, the rule and the value; never text
 * of a prompt
 */
export function readBody<T extends SharedRequest>(schema: z.ZodType<T>, body: unknown): T {
  const { data, error } = schema.safeParse(body, { reportInput: true });
  if (error) throw problemOf(error.issues[0]!);
  if (data.stream_options && !data.stream) {
    throw invalid("stream_options", "must not be given without stream: true");
  }
  return data;
}

function problemOf(issue: z.core.$ZodIssue): OmnispanError {
  if (issue.code === "unrecognized_keys") {
    const field = pathOf([...issue.path, issue.keys[0]!]);
    return invalid(field, "is no field that is known here");
  }
  const field = pathOf(issue.path);
  if (issue.code === "custom") return invalid(field, issue.message);
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    // The branch that came furthest says the most.
    const deepest = issue.errors.map(([first]) => first!).sort((a, b) => b.path.length - a.path.length)[0]!;
    if (deepest.path.length > 0) return problemOf({ ...deepest, path: [...issue.path, ...deepest.path] });
  }
  const value = TEXT_FIELDS.test(field) ? withoutText(issue.input) : shown(issue.input);
  return invalid(field, `must be ${ruleOf(issue)}, got ${value}`);
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return { int: "a whole number", object: "an object", array: "an array" }[issue.expected as string] ??
        `a ${issue.expected}`;
    case "too_small":
      return `at least ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "invalid_value":
      return `one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "invalid_union":
      return "of one of the types that OpenAI's API names";
    default:
      return issue.message;
  }
}

export function invalid(param: string, rule: string): OmnispanError {
  return new OmnispanError("invalid_argument", `${param || "the body"} ${rule}`, { param });
}

/** As in messages[0].content. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, "").slice(0, 200);
}

/** What stands there is a prompt, or may be meant as one: an error, which is logged, tells its length alone. */
const TEXT_FIELDS = /^(messages(\[\d+\])?(\.content.*)?|prompt.*|stop.*|)$/;

function withoutText(value: unknown): string {
  return typeof value === "string" ? `a text of ${value.length} characters` : shown(value);
}

/** A value as an error may show it: texts can be a caller's prompt, so only their length. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    return value.length <= 32 ? JSON.stringify(value) : `a text of ${value.length} characters`;
  }
  return Array.isArray(value) ? `an array of ${value.length}` : "an object";
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}
