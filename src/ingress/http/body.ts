import type { Settings } from "../../config/config.ts";
import { messageOf, OmnispanError } from "../../core/errors.ts";

/** How deep arrays and objects may stand in each other. */
const MAX_DEPTH = 64;
/** Most arrays, objects and fields of a body. */
const MAX_PARTS = 2 ** 16;
/** The bytes that JSON is made of; in UTF-8 no other character has one of them. */
const CODE = { "[": 0x5b, "]": 0x5d, "{": 0x7b, "}": 0x7d, ":": 0x3a, '"': 0x22, "\\": 0x5c };

export type BodyLimits = Pick<Settings, "HTTP_BODY_BYTES" | "HTTP_BODY_TIMEOUT_MS">;

/**
 * The JSON value in a request's body.
 * @throws {OmnispanError} invalid_argument, too_large, too_slow, or cancelled when the client went away
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  // Anything else could be sent by a foreign page in a browser without that browser asking first.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    const got = JSON.stringify(type.slice(0, 80));
    throw new OmnispanError(
      "invalid_argument",
      `the header content-type must be application/json, got ${got}`,
    );
  }
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    const got = JSON.stringify(encoding.slice(0, 40));
    throw new OmnispanError("invalid_argument", `the header content-encoding must be identity, got ${got}`);
  }
  const bytes = await readBytes(request, limits);
  checkShape(bytes);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new OmnispanError("invalid_argument", "the body must be UTF-8");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new OmnispanError("invalid_argument", `the body must be JSON: ${whereOf(thrown)}`);
  }
  if (SURROGATE_ESCAPE.test(text)) requireUnicode(value);
  return value;
}

/** UTF-8 has no half of a surrogate pair, so only an escape can bring one into a text. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
/** Of a field's name that an error shows; the names are the caller's. */
const MAX_NAME_LENGTH = 100;

/** Where a value stands; the body itself has no parent. */
interface Place {
  readonly key: string | number;
  readonly parent: Place | undefined;
}

/**
 * Refuses half of a surrogate pair: it can't be sent on as it came, and texts that differ in it alone would become
 * one. Works without recursion, for JSON can be deeper than the stack.
 * @throws {OmnispanError} invalid_argument that names the field
 */
function requireUnicode(body: unknown): void {
  const inside: (Place & { readonly value: object })[] = [];
  const visit = (value: unknown, key: string | number, parent: Place | undefined) => {
    if (typeof value === "object" && value !== null) inside.push({ value, key, parent });
    if (isUnicode(value) && isUnicode(key)) return;
    const param = nameOf({ key, parent });
    const rule = "must be Unicode text, got half of a surrogate pair";
    throw new OmnispanError("invalid_argument", `${param || "the body"} ${rule}`, { param });
  };
  visit(body, "", undefined);
  for (let place = inside.pop(); place; place = inside.pop()) {
    const { value } = place;
    if (Array.isArray(value)) { for (let at = 0; at < value.length; at++) visit(value[at], at, place); }
    else for (const key of Object.keys(value)) visit(Reflect.get(value, key), key, place);
  }
}

function isUnicode(value: unknown): boolean {
  return typeof value !== "string" || value.isWellFormed();
}

/** As in `messages[0].content`. */
function nameOf(place: Place): string {
  const steps: string[] = [];
  for (let { key, parent } = place; parent; { key, parent } = parent) {
    steps.push(typeof key === "number" ? `[${key}]` : parent.parent ? `.${key}` : key);
  }
  return steps.reverse().join("").slice(0, MAX_NAME_LENGTH).toWellFormed();
}

async function readBytes(
  { body, headers }: Request,
  { HTTP_BODY_BYTES, HTTP_BODY_TIMEOUT_MS }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = (bytes: string) => {
    const rule = `the body must be at most ${HTTP_BODY_BYTES} bytes (HTTP_BODY_BYTES)`;
    return new OmnispanError("too_large", `${rule}, got ${bytes}`);
  };
  const announced = Number(headers.get("content-length") ?? 0);
  if (announced > HTTP_BODY_BYTES) throw tooLarge(String(announced));
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const rule = `the body must come within ${HTTP_BODY_TIMEOUT_MS} ms (HTTP_BODY_TIMEOUT_MS)`;
    late.reject(new OmnispanError("too_slow", rule));
  }, HTTP_BODY_TIMEOUT_MS);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return joined(chunks, size);
      size += value.length;
      if (size > HTTP_BODY_BYTES) throw tooLarge(`more than ${HTTP_BODY_BYTES}`);
      chunks.push(value);
    }
  } catch (thrown) {
    void reader.cancel().catch(() => {});
    if (thrown instanceof OmnispanError) throw thrown;
    throw new OmnispanError(
      "cancelled",
      `the client went away before its body was complete: ${messageOf(thrown)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

function joined(chunks: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  if (chunks.length === 1) return chunks[0]!;
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/**
 * Counts before it is parsed what JSON is made of: a few megabytes of small parts would keep the parser, and with it
 * both doors, busy for a second and more.
 */
function checkShape(bytes: Uint8Array): void {
  let depth = 0;
  let parts = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case CODE["["]:
      case CODE["{"]:
        parts++;
        if (++depth <= MAX_DEPTH) break;
        throw new OmnispanError("invalid_argument", `the body must be at most ${MAX_DEPTH} deep, got more`);
      case CODE["]"]:
      case CODE["}"]:
        depth--;
        break;
      case CODE[":"]:
        parts++;
        break;
      case CODE['"']:
        while (++at < bytes.length && bytes[at] !== CODE['"']) if (bytes[at] === CODE["\\"]) at++;
    }
  }
  if (parts <= MAX_PARTS) return;
  const rule = `the body must have at most ${MAX_PARTS} arrays, objects and fields`;
  throw new OmnispanError("invalid_argument", `${rule}, got ${parts}`);
}

/** Where the JSON breaks. The parser's own words can hold a piece of the body, which is a caller's text. */
function whereOf(thrown: unknown): string {
  const position = /position (\d+)/.exec(messageOf(thrown))?.[1];
  return position === undefined ? "it ends too early or is empty" : `it breaks at character ${position}`;
}
