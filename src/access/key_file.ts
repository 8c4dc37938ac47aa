/** The file of API keys: its rules, and how one that breaks them is told. It has hashes only, never a key. */
import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { messageOf, StartupError } from "../core/errors.ts";

/** What can be limited for a key, and the largest value; the smallest is 1. */
export const LIMIT_MAXIMA = {
  requests_per_minute: 10_000_000,
  tokens_per_minute: 10_000_000,
  max_in_flight: 1_000_000,
  max_tokens: 1_000_000,
} as const;
export type LimitName = keyof typeof LIMIT_MAXIMA;
export const LIMIT_NAMES = Object.keys(LIMIT_MAXIMA) as LimitName[];

/** Under the names of the key file; what is absent is not limited. */
export type KeyLimits = { readonly [Name in LimitName]?: number };

export interface KeyRecord {
  /** Not secret: it is in logs and error messages, and is what a key is looked up by. */
  readonly id: string;
  readonly hash: string;
  readonly tenant: string;
  /** @default "" */
  readonly note?: string;
  /** A day, like 2026-11-28. */
  readonly created?: string;
  /** @default {} */
  readonly limits?: KeyLimits;
  /** May see the metrics and what is of all tenants. @default false */
  readonly operator?: boolean;
}

export interface KeyFile {
  readonly keys: readonly KeyRecord[];
}

const MAX_TENANT_LENGTH = 256;
const MAX_NOTE_LENGTH = 1000;
const MOST_CHARACTERS = 80;
const MOST_PROBLEMS = 20;

export const TENANT_RULE =
  `a Unicode text of 1 to ${MAX_TENANT_LENGTH} characters without control characters`;
export const NOTE_RULE = `a Unicode text of at most ${MAX_NOTE_LENGTH} characters without control characters`;

export function isTenant(given: unknown): boolean {
  return isLine(given, MAX_TENANT_LENGTH) && given.trim() !== "";
}

export function isNote(given: unknown): boolean {
  return isLine(given, MAX_NOTE_LENGTH);
}

function isLine(given: unknown, mostCharacters: number): given is string {
  return typeof given === "string" && given.length <= mostCharacters && !/[\p{Cc}\p{Cs}]/u.test(given);
}

export function limitRule(name: LimitName): string {
  return `a whole number from 1 to ${LIMIT_MAXIMA[name]}`;
}

export function isLimit(name: LimitName, given: unknown): boolean {
  return Number.isSafeInteger(given) && Number(given) >= 1 && Number(given) <= LIMIT_MAXIMA[name];
}

/**
 * The text of a key file.
 * @throws when it can't be read, or is no UTF-8: tenants that differ in such bytes alone would become one
 */
export async function readKeyText(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  if (!isUtf8(bytes)) throw new Error("it must be UTF-8");
  return new TextDecoder().decode(bytes);
}

/**
 * Reads and checks the text of a key file.
 * @throws {StartupError} with one line for each problem; none of them shows a hash or a key
 */
export function parseKeyFile(text: string, path: string): KeyFile {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (thrown) {
    throw new StartupError([`${path} must be JSON, but ${whereNoJson(text, messageOf(thrown))}`]);
  }
  const read = KEY_FILE.safeParse(given);
  if (read.success) return read.data;
  const problems = read.error.issues.flatMap((issue) => problemsOf(issue, given)).map((line) =>
    `${path}: ${line}`
  );
  const more = problems.length - MOST_PROBLEMS;
  throw new StartupError(
    more > 0 ? [...problems.slice(0, MOST_PROBLEMS), `${path}: and ${more} more problems`] : problems,
  );
}

/** The runtime's own message would quote the file. */
function whereNoJson(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `is not at line ${text.slice(0, Number(position)).split("\n").length}`;
  return message.includes("end of JSON input") ? "ends too early" : "is not";
}

function problemsOf(issue: z.core.$ZodIssue, given: unknown): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      return `${nameOf([...issue.path, key])} must be one of the fields ${issue.message}`;
    });
  }
  return [`${nameOf(issue.path)} must be ${issue.message}, got ${shown(given, issue.path)}`];
}

/** `keys[0].limits.max_tokens`. */
function nameOf(path: readonly PropertyKey[]): string {
  const name = path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("");
  return withoutSecrets(name.replace(/^\./, "") || "the file");
}

function shown(given: unknown, path: readonly PropertyKey[]): string {
  const value = path.reduce<unknown>(
    (at, step) => typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined,
    given,
  );
  if (value === undefined || value === null) return "nothing";
  if (path.at(-1) === "hash") {
    return typeof value === "string" ? `${value.length} characters` : `a ${typeof value}`;
  }
  const text = withoutSecrets(JSON.stringify(value));
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}...`;
}

function withoutSecrets(text: string): string {
  return text.replace(/omk_[\w-]+|[0-9a-fA-F]{32,}/g, "(not shown)");
}

function matches(pattern: RegExp, given: unknown): boolean {
  return typeof given === "string" && pattern.test(given);
}

function isDay(given: unknown): boolean {
  if (!matches(/^\d{4}-\d{2}-\d{2}$/, given)) return false;
  const time = Date.parse(`${given}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(String(given));
}

/** A value of which a check and its rule in words are all there is to say; the rule completes "FIELD must be ...". */
function value<T>(rule: string, keeps: (given: unknown) => boolean): z.ZodType<T> {
  return z.custom<T>(keeps, { error: rule });
}

/** A mapping that has these fields and no other. */
function fields<const Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) => code === "unrecognized_keys" ? names : `a mapping with the fields ${names}`,
  });
}

const LIMIT_FIELDS = Object.fromEntries(
  LIMIT_NAMES.map((name) => {
    return [name, value<number>(limitRule(name), (given) => isLimit(name, given)).exactOptional()];
  }),
) as Record<LimitName, z.ZodExactOptional<z.ZodType<number>>>;

const KEY_FILE = fields({
  keys: z.array(
    fields({
      id: value<string>("1 to 32 of a-z and 0-9", (given) => matches(/^[a-z0-9]{1,32}$/, given)),
      hash: value<string>(
        "sha256: and 64 of 0-9 and a-f",
        (given) => matches(/^sha256:[0-9a-f]{64}$/, given),
      ),
      tenant: value<string>(TENANT_RULE, isTenant),
      note: value<string>(NOTE_RULE, isNote).exactOptional(),
      created: value<string>("a day like 2026-11-28", isDay).exactOptional(),
      limits: fields(LIMIT_FIELDS).exactOptional(),
      operator: value<boolean>("true or false", (given) => typeof given === "boolean").exactOptional(),
    }),
    { error: "a list of keys" },
  ).superRefine((keys, ctx) => {
    const seen = new Set<string>();
    for (const [index, { id }] of keys.entries()) {
      if (seen.has(id)) {
        const message = "unlike the ids before it";
        ctx.addIssue({ code: "custom", path: [index, "id"], message });
      }
      seen.add(id);
    }
  }),
});

/** Nobody but its owner has to read it. */
const NEW_FILE_MODE = 0o600;

/**
 * Changes a key file as one step: who reads it sees the old file or the new one, and two changes at a time follow each
 * other. Its mode, its owner and what the change leaves alone stay; a symbolic link goes on to lead to it.
 * @param create the file is made when it is not there
 * @throws {StartupError} when the file breaks the rules
 */
export async function changeKeyFile(
  path: string,
  { create }: { readonly create: boolean },
  change: (file: KeyFile) => KeyFile,
): Promise<void> {
  using held = await lock(path, create);
  const target = await Deno.realPath(path);
  const text = await readKeyText(target);
  const isNew = create && text === "";
  const after = change(isNew ? { keys: [] } : parseKeyFile(text, path));
  await replace(target, JSON.stringify(after, null, 2) + "\n", await held.stat());
}

/** The lock goes with the file, so the one that waited for it looks whether another took the file's place. */
async function lock(path: string, create: boolean): Promise<Deno.FsFile> {
  while (true) {
    const file = await Deno.open(path, { read: true, write: true, create, mode: NEW_FILE_MODE });
    try {
      await file.lock(true);
      if ((await file.stat()).ino === (await Deno.stat(path)).ino) return file;
    } catch (thrown) {
      file.close();
      throw thrown;
    }
    file.close();
  }
}

async function replace(path: string, text: string, { mode, uid, gid }: Deno.FileInfo): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true, mode: NEW_FILE_MODE });
      const made = await file.stat();
      if (uid !== null && gid !== null && (uid !== made.uid || gid !== made.gid)) {
        await Deno.chown(temporary, uid, gid);
      }
      if (mode !== null) await Deno.chmod(temporary, mode & 0o777);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (thrown) {
    await Deno.remove(temporary).catch(() => {}); // it may not have been made
    throw thrown;
  }
}
