/** The file of API keys: its rules, and how it is read and changed. It holds hashes, never a key. */
import { Buffer, isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { fields, firstProblems, problemsOf, shown, value } from "../cli/problems.ts";
import { messageOf, StartupError } from "../core/errors.ts";

/** The limits that a key can have, each with its largest value; the smallest is 1. */
export const LIMIT_MAXIMA = {
  requests_per_minute: 10_000_000,
  tokens_per_minute: 10_000_000,
  max_in_flight: 1_000_000,
  max_tokens: 1_000_000,
} as const;
export type LimitName = keyof typeof LIMIT_MAXIMA;
export const LIMIT_NAMES = Object.keys(LIMIT_MAXIMA) as LimitName[];

/** The limits of one key, under the names of the key file; an absent one does not apply. */
export type KeyLimits = { readonly [Name in LimitName]?: number };

export interface KeyRecord {
  /** Finds the key in the file, and stands in logs and error messages: it is not secret. */
  readonly id: string;
  readonly hash: string;
  readonly tenant: string;
  /** @default "" */
  readonly note?: string;
  /** A day, like 2026-11-28. */
  readonly created?: string;
  /** @default {} */
  readonly limits?: KeyLimits;
  /** The caller may see the metrics and the data of all tenants. @default false */
  readonly operator?: boolean;
}

export interface KeyFile {
  readonly keys: readonly KeyRecord[];
}

/** As long as a tenant may be in a request. */
const MAX_TENANT_BYTES = 256;
const MAX_NOTE_BYTES = 1000;

export const TENANT_RULE =
  `a Unicode text of 1 to ${MAX_TENANT_BYTES} bytes of UTF-8 without control characters`;
export const NOTE_RULE =
  `a Unicode text of at most ${MAX_NOTE_BYTES} bytes of UTF-8 without control characters`;

export function isTenant(given: unknown): boolean {
  return isLine(given, MAX_TENANT_BYTES) && given.trim() !== "";
}

export function isNote(given: unknown): boolean {
  return isLine(given, MAX_NOTE_BYTES);
}

function isLine(given: unknown, mostBytes: number): given is string {
  return typeof given === "string" && Buffer.byteLength(given) <= mostBytes && !/[\p{Cc}\p{Cs}]/u.test(given);
}

function limitRule(name: LimitName): string {
  return `a whole number from 1 to ${LIMIT_MAXIMA[name]}`;
}

function isLimit(name: LimitName, given: unknown): boolean {
  return Number.isSafeInteger(given) && Number(given) >= 1 && Number(given) <= LIMIT_MAXIMA[name];
}

/**
 * Reads the text of a key file.
 * @throws when it can't be read, or is not UTF-8: tenants that differ in invalid bytes alone would become one
 */
export async function readKeyText(path: string): Promise<string> {
  const bytes = await Deno.readFile(path);
  if (!isUtf8(bytes)) throw new Error("it must be UTF-8");
  return new TextDecoder().decode(bytes);
}

/**
 * Parses and checks the text of a key file.
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
  const problems = problemsOf(read.error, given, { show: shownSafely }).map(({ text }) => {
    return `${path}: ${withoutSecrets(text)}`;
  });
  throw new StartupError(firstProblems(problems, path));
}

/** Says where the text stops to be JSON without the words of the file, which the runtime's own message would quote. */
function whereNoJson(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `is not at line ${text.slice(0, Number(position)).split("\n").length}`;
  return message.includes("end of JSON input") ? "ends too early" : "is not";
}

function shownSafely(given: unknown, path: readonly PropertyKey[]): string {
  if (path.at(-1) !== "hash" || given === undefined || given === null) return shown(given, withoutSecrets);
  return typeof given === "string" ? `${given.length} characters` : `a ${typeof given}`;
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

/** A new file can be read by its owner alone. */
const NEW_FILE_MODE = 0o600;

/**
 * Changes a key file atomically: readers see the old file or the new one, and concurrent changes follow each other. The
 * file keeps its mode, its owner and the fields that the change leaves alone; a symbolic link still leads to it.
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

/** Locks the file at the path. A change replaces the file, so the path may lead to another one after the wait. */
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
