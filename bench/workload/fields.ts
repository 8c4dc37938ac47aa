/**
 * What the fields of a workload file are made of. The message of an issue completes "FIELD must be ..."; of an unknown
 * field it lists the known ones, separated by ", ".
 */
import { z } from "zod";
import type { Millis } from "../../src/core/types.ts";

const UNITS_MS: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DAY_MS = 86_400_000;
const MOST_ITEMS = 64;

/** A value of which a check and its rule in words are all there is to say. */
export function value<T>(rule: string, keeps: (value: unknown) => boolean): z.ZodType<T> {
  return z.custom<T>(keeps, { error: rule });
}

export function wholeNumber(min: number, max: number): z.ZodType<number> {
  const rule = `a whole number from ${min} to ${max}`;
  return value(rule, (given) => Number.isSafeInteger(given) && Number(given) >= min && Number(given) <= max);
}

export function number(min: number, max: number): z.ZodType<number> {
  return value(
    `a number from ${min} to ${max}`,
    (given) => typeof given === "number" && given >= min && given <= max,
  );
}

export function positive(max: number): z.ZodType<number> {
  return value(
    `a number above 0, at most ${max}`,
    (given) => typeof given === "number" && given > 0 && given <= max,
  );
}

export function yesOrNo(): z.ZodType<boolean> {
  return value("true or false", (given) => typeof given === "boolean");
}

/** `500ms`, `30s`, `2m` or `1h` as milliseconds, at most a day. */
export function time(minMs: Millis): z.ZodType<Millis> {
  const parse = (text: unknown): Millis | undefined => {
    const match = typeof text === "string" ? /^(\d{1,9}(?:\.\d{1,6})?) ?(ms|s|m|h)$/.exec(text.trim()) : null;
    const ms = Number(match?.[1]) * (UNITS_MS[match?.[2] ?? ""] ?? NaN);
    return ms >= minMs && ms <= DAY_MS ? ms : undefined;
  };
  const rule = `a time with its unit, like 500ms, 30s or 2m, from ${minMs} ms to a day`;
  return value<string>(rule, (given) => parse(given) !== undefined).transform((text) => parse(text) ?? NaN);
}

/** A mapping that has these fields and no other. */
export function fields<const Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) => code === "unrecognized_keys" ? names : `a mapping with the fields ${names}`,
  });
}

export function list<T extends z.ZodType>(item: T, of: string) {
  const rule = `a list of 1 to ${MOST_ITEMS} ${of}`;
  return z.array(item, { error: rule }).min(1, { error: rule }).max(MOST_ITEMS, { error: rule });
}

/** A value whose form decides what it is read as; text instead of a schema is the rule that it breaks. */
export function formOf<T>(form: (given: unknown) => z.ZodType<T> | string) {
  return z.unknown().transform((given, ctx): T => {
    const schema = form(given);
    if (typeof schema === "string") {
      ctx.addIssue({ code: "custom", message: schema });
      return z.NEVER;
    }
    const read = schema.safeParse(given);
    if (read.success) return read.data;
    for (const issue of read.error.issues) ctx.addIssue({ ...issue });
    return z.NEVER;
  });
}

/** The schema of the one kind whose field a mapping has, or the rule that it breaks. */
export function kindOf<T>(
  given: unknown,
  kinds: Readonly<Record<string, z.ZodType<T>>>,
  rule: string,
): z.ZodType<T> | string {
  const names = Object.keys(kinds);
  if (!isMapping(given) || Object.keys(given).length === 0) return rule;
  const [kind, ...more] = names.filter((name) => Object.hasOwn(given, name));
  if (more.length > 0) return `a mapping with only one of ${names.join(", ")}`;
  // Without a kind every field is unknown, and the kinds are what they may have meant.
  if (kind === undefined) {
    return fields(Object.fromEntries(names.map((name) => [name, z.never().optional()]))) as never;
  }
  return kinds[kind] ?? rule;
}

export function isMapping(given: unknown): given is Readonly<Record<string, unknown>> {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

/** Items that nothing else tells apart must have different names. */
export function differing(items: readonly { readonly name: string }[], ctx: z.RefinementCtx): void {
  items.forEach(({ name }, index) => {
    if (items.findIndex((other) => other.name === name) < index) {
      ctx.addIssue({
        code: "custom",
        path: [index],
        message: `unlike those before it ("${name}" is there already)`,
      });
    }
  });
}
