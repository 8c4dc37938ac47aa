/** How a body of OpenAI's API is read: kinds of values, and objects by a table of their fields. */
import type { Settings } from "../../../config/config.ts";
import { OmnispanError } from "../../../core/errors.ts";

/** What a value must be. */
export interface Kind<T> {
  /** Completes "NAME must be ...". */
  readonly rule: string;
  /**
   * Undefined when the value breaks the rule.
   * @throws {OmnispanError} invalid_argument for a part of the value
   */
  read(value: unknown, at: Place): T | undefined;
}

/** Where a value stands, and what becomes of fields there that nobody knows. */
export interface Place {
  readonly path: string;
  readonly unknown: UnknownFields;
}

/** A field that is done what it asks for. */
interface SupportedField {
  readonly kind: Kind<unknown>;
  /** Values that ask for nothing, as null does. */
  readonly nothing?: readonly unknown[];
  /** What is done without it, for the documentation. */
  readonly without: string;
}

/** A field of which only the values that ask for nothing are taken. */
interface RefusedField {
  readonly nothing: readonly unknown[];
  /** Completes "NAME must be ... here: ". */
  readonly why: string;
}

/** A field that has no part in an answer, whatever it holds. */
interface IdleField {
  /** What it would be for. */
  readonly idle: string;
}

export type Field = SupportedField | RefusedField | IdleField;
export type Fields = Readonly<Record<string, Field>>;

/** An object's supported fields, as far as they are given and ask for something. */
export type Read<F extends Fields> = {
  readonly [Name in keyof F as F[Name] extends SupportedField ? Name : never]?: F[Name] extends
    { readonly kind: Kind<infer T> } ? T : never;
};

/**
 * Reads an object by the table of its fields. Null is as good as none in every field. Takes no longer than the parser
 * of the JSON did, whatever the object holds.
 * @throws {OmnispanError} invalid_argument that names the first field that is wrong, the rule and the value; never text
 * of a prompt
 */
export function readObject<F extends Fields>(fields: F, value: unknown, { path, unknown }: Place): Read<F> {
  if (!isObject(value)) throw mustBe(path, "an object", value);
  const read: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value)) {
    if (part === null) continue;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) unknown.found(path, name);
    else if ("idle" in field || field.nothing?.some((nothing) => isSame(nothing, part))) continue;
    else if ("kind" in field) read[name] = readValue(field.kind, part, { path: joined(path, name), unknown });
    else throw mustBe(joined(path, name), `${nothings(field)} here: ${field.why}`, part);
  }
  return read as Read<F>;
}

/** @throws {OmnispanError} invalid_argument */
function readValue<T>(kind: Kind<T>, value: unknown, at: Place): T {
  const read = kind.read(value, at);
  if (read === undefined) throw mustBe(at.path, kind.rule, value);
  return read;
}

export const text: Kind<string> = {
  rule: "a text",
  read: (value) => typeof value === "string" ? value : undefined,
};

export const flag: Kind<boolean> = {
  rule: "true or false",
  read: (value) => typeof value === "boolean" ? value : undefined,
};

export function number(min: number, max: number): Kind<number> {
  return {
    rule: `a number from ${min} to ${max}`,
    read: (value) => typeof value === "number" && value >= min && value <= max ? value : undefined,
  };
}

export function whole(min: number, max = Infinity): Kind<number> {
  const range = number(min, max);
  return {
    rule: `a whole number from ${min}${max === Infinity ? "" : ` to ${max}`}`,
    read: (value, at) => Number.isInteger(value) ? range.read(value, at) : undefined,
  };
}

export function object<F extends Fields>(fields: F): Kind<Read<F>> {
  return { rule: "an object", read: (value, at) => readObject(fields, value, at) };
}

/** Counted before its items are looked at, for a caller can put very many into a small body. */
export function list<T>(item: Kind<T>, most: number): Kind<readonly T[]> {
  return {
    rule: `an array of 1 to ${most}`,
    read(value, { path, unknown }) {
      if (!Array.isArray(value) || value.length < 1 || value.length > most) return undefined;
      return value.map((one, index) => readValue(item, one, { path: `${path}[${index}]`, unknown }));
    },
  };
}

/** Most unknown fields that are named. */
const MAX_NAMED = 32;
const MAX_NAME = 100;

/** What becomes of fields that no table knows, however deep they stand. */
export class UnknownFields {
  readonly #names = new Set<string>();
  #more = false;

  constructor(private readonly rule: Settings["UNKNOWN_FIELDS"]) {}

  /** @throws {OmnispanError} invalid_argument, where unknown fields are refused */
  found(path: string, name: string): void {
    const field = joined(path, name).slice(0, MAX_NAME).toWellFormed();
    if (this.rule === "refuse") throw invalid(field, "is no field that is known here");
    if (this.#names.size < MAX_NAMED) this.#names.add(field.replaceAll(/\[\d+\]/g, "[]"));
    else this.#more = true;
  }

  /** Those that were ignored, as a header has them: `stream_options.x, messages[].y`. */
  get ignored(): string | undefined {
    if (this.#names.size === 0) return undefined;
    const names = [...this.#names].map((name) => name.replaceAll(/[^\w.[\]-]/gu, encodeURIComponent));
    return [...names, ...(this.#more ? ["..."] : [])].join(", ");
  }
}

export function invalid(param: string, rule: string): OmnispanError {
  return new OmnispanError("invalid_argument", `${param || "the body"} ${rule}`, { param });
}

export function mustBe(field: string, rule: string, got: unknown): OmnispanError {
  return invalid(field, `must be ${rule}, got ${shown(field, got)}`);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The values of a field that ask for nothing, as in `1 or null`. */
function nothings({ nothing = [] }: { readonly nothing?: readonly unknown[] }): string {
  return [...nothing.map((value) => JSON.stringify(value)), "null"].join(" or ");
}

function joined(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
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

/** Looks no deeper into `value` than `nothing`, which is ours, goes. */
function isSame(nothing: unknown, value: unknown): boolean {
  if (typeof nothing !== "object" || nothing === null) return nothing === value;
  if (typeof value !== "object" || value === null || Array.isArray(nothing) !== Array.isArray(value)) {
    return false;
  }
  const parts = Object.entries(nothing);
  return parts.length === Object.keys(value).length &&
    parts.every(([name, part]) => isSame(part, (value as Record<string, unknown>)[name]));
}
