/** What the two generating endpoints of OpenAI's API have in common. */
import { z } from "zod";
import { OmnispanError } from "../../../errors.ts";
import type { RawRequest } from "../../validate.ts";

/** OpenAI's default, where a request names none. */
const DEFAULT_TEMPERATURE = 1;
/** OpenAI lets top_p be 0; our field says 1 with that. The worker takes anything so small as one token. */
const LEAST_TOP_P = 1e-9;

const MAX_UINT32 = 2 ** 32 - 1;
const number = (min: number, max: number) => z.number().min(min).max(max).optional();
const whole = (min: number) => z.int().min(min).max(MAX_UINT32).optional();

/** Fields that both endpoints read the same way. What stands as null is not there. */
export const sharedFields = {
  model: z.string().optional(),
  max_tokens: whole(1),
  temperature: number(0, 2),
  top_p: number(0, 1),
  seed: whole(0),
  stop: z.union([z.string(), z.array(z.string())]).optional(),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).optional(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  // Fields of ours, named as other servers name them.
  top_k: whole(0),
  ignore_eos: z.boolean().optional(),
} as const;

const sharedSchema = z.object(sharedFields);
export type SharedRequest = z.infer<typeof sharedSchema>;

/** OpenAI's fields that we don't have: only the values beside them, which ask for nothing, are taken. */
export type Unsupported = ReadonlyMap<string, readonly unknown[]>;

export const sharedUnsupported: Unsupported = new Map<string, readonly unknown[]>([
  ["n", [1]],
  ["presence_penalty", [0]],
  ["frequency_penalty", [0]],
  ["logit_bias", [{}]],
]);

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
  const { top_p: topP, seed, stop, user = body.safety_identifier ?? "" } = body;
  return {
    requestId,
    tenantId: tenantId ?? user,
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
    ...(seed !== undefined && { seed }),
    stop: typeof stop === "string" ? [stop] : stop ?? [],
    ignoreEos: body.ignore_eos ?? false,
  };
}

/**
 * Reads a body: the schema's fields by the schema, `own` as it stands, and of all others only what asks for nothing.
 * @throws {OmnispanError} invalid_argument that names the first field that is wrong, the rule and the value; never text
 * of a prompt
 */
export function readBody<T extends SharedRequest, Own extends string>(
  schema: z.ZodObject & z.ZodType<T>,
  own: Own,
  unsupported: Unsupported,
  body: unknown,
): T & Readonly<Record<Own, unknown>> {
  if (!isObject(body)) throw invalid("", `must be an object, got ${shown("", body)}`);
  const read: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(body)) {
    if (value === null || field === own) continue;
    if (Object.hasOwn(schema.shape, field)) read[field] = value;
    else requireNothing(field, value, unsupported.get(field));
  }
  const { data, error } = schema.safeParse(read, { reportInput: true });
  if (error) throw problemOf(error.issues[0]!);
  const options = data.stream_options;
  if (options && !data.stream) throw invalid("stream_options", "must not be given without stream: true");
  requireNothing("stream_options.include_obfuscation", options?.["include_obfuscation"], [false]);
  return { ...data, [own]: body[own] ?? undefined } as T & Readonly<Record<Own, unknown>>;
}

/**
 * Lets a field pass that we don't have only where it asks for nothing.
 * @throws {OmnispanError} invalid_argument
 */
export function requireNothing(
  field: string,
  value: unknown,
  harmless: readonly unknown[] | undefined,
): void {
  if (value === null || value === undefined) return;
  if (!harmless) throw invalid(field.slice(0, 100), "is no field that is known here");
  if (harmless.some((one) => equal(one, value))) return;
  throw invalid(field, `is not supported here, got ${shown(field, value)}`);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problemOf(issue: z.core.$ZodIssue): OmnispanError {
  const field = pathOf(issue.path);
  return invalid(field, `must be ${ruleOf(issue)}, got ${shown(field, issue.input)}`);
}

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return { int: "a whole number", object: "an object" }[issue.expected as string] ??
        `a ${issue.expected}`;
    case "too_small":
      return `at least ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    case "invalid_union":
      return "a text or an array of texts";
    default:
      return issue.message;
  }
}

export function invalid(param: string, rule: string): OmnispanError {
  return new OmnispanError("invalid_argument", `${param || "the body"} ${rule}`, { param });
}

/** As in stop[0]. */
function pathOf(path: readonly PropertyKey[]): string {
  return path.map((part, at) => typeof part === "number" ? `[${part}]` : `${at ? "." : ""}${String(part)}`)
    .join("");
}

/** What stands there is a prompt or an answer, or may be meant as one. */
const TEXT_FIELDS = /^(messages|prompt|prediction|stop|suffix)\b|^$/;

/** A value as an error, which is logged, may show it. */
export function shown(field: string, value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value !== "string") return "an object";
  const short = value.length <= 32 && !TEXT_FIELDS.test(field);
  return short ? JSON.stringify(value) : `a text of ${value.length} characters`;
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}
