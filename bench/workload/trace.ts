/** Recorded traces: CSV files in the columns of the Azure LLM inference traces. */
import { CsvError, parse } from "csv-parse/sync";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { firstProblems } from "../../src/cli/problems.ts";
import { messageOf, StartupError } from "../../src/core/errors.ts";
import { wholeNumber } from "../../src/core/setting.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Arrivals, TurnLimits } from "../plan.ts";
import type { TraceUse } from "../record/environment.ts";

/** A request of a trace; the first comes at 0. Its token counts take the place of the class's own. */
export interface TraceRow {
  readonly atMs: Millis;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

type TraceArrivals = Arrivals & { readonly kind: "trace" };

const SHIPPED = new URL("traces/", import.meta.url);
const MOST_BYTES = 256 * 2 ** 20;
const TOKENS = wholeNumber(1, 1_000_000, 1, "");
const COLUMNS = [
  { name: "TIMESTAMP", rule: "a time like 2023-11-16 18:15:46.6805900", parse: instantOf },
  { name: "ContextTokens", ...TOKENS },
  { name: "GeneratedTokens", ...TOKENS },
] as const;

/** The path of a trace: a file's, or that of a shipped trace that is named without folder and `.csv`. */
export function tracePath(file: string): string {
  const shipped = /^[\w-]+$/.test(file) ? new URL(`${file}.csv`, SHIPPED) : undefined;
  return shipped && existsSync(shipped) && !existsSync(file) ? fileURLToPath(shipped) : file;
}

/**
 * Reads a trace's rows.
 * @throws {StartupError} with a line for each problem: file, line, column, rule and value
 */
export function readTrace(file: string): readonly TraceRow[] {
  const path = tracePath(file);
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES) {
      throw new StartupError([`${path}: a trace must have at most ${MOST_BYTES} bytes, got ${size}`]);
    }
    return parseTrace(textOf(readFileSync(path), path, "a trace"), path);
  } catch (thrown) {
    if (thrown instanceof StartupError) throw thrown;
    throw new StartupError([`${file}: the trace can't be read: ${messageOf(thrown)}`], { cause: thrown });
  }
}

/** Hashes a trace's bytes, so that two files of one name can be distinguished. */
export function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(tracePath(file))).digest("hex");
}

/** Reads a trace's text; `path` names it in problems. @throws {StartupError} */
export function parseTrace(text: string, path: string): readonly TraceRow[] {
  const problems: string[] = [];
  const rows: TraceRow[] = [];
  const [header, ...records] = recordsOf(text, path);
  const places = placesIn(header?.cells ?? [], path);
  const width = header?.cells.length;
  let firstMs: Millis | undefined;
  for (const { cells, line } of records) {
    if (cells.length !== width) {
      problems.push(`${path}:${line}: must have ${width} fields as the header has, got ${cells.length}`);
      continue;
    }
    const values = COLUMNS.map(({ name, rule, parse }, column) => {
      const cell = cells[places[column]!] ?? "";
      const value = parse(cell);
      const isEarly = column === 0 && value !== undefined &&
        value - (firstMs ?? value) < (rows.at(-1)?.atMs ?? 0);
      if (value !== undefined && !isEarly) return value;
      const broken = isEarly ? "no earlier than the line above's" : rule;
      problems.push(`${path}:${line}: ${name} must be ${broken}, got ${JSON.stringify(cell)}`);
      return undefined;
    });
    const [at, promptTokens, outputTokens] = values;
    if (at === undefined || promptTokens === undefined || outputTokens === undefined) continue;
    firstMs ??= at;
    rows.push({ atMs: at - firstMs, promptTokens, outputTokens });
  }
  if (problems.length > 0) throw new StartupError(firstProblems(problems, path));
  if (rows.length > 0) return rows;
  throw new StartupError([`${path}:1: a trace must have a row below its header, got none`]);
}

interface CsvRecord {
  readonly cells: readonly string[];
  /** In which it begins. */
  readonly line: number;
}

/** The records of a CSV file. @throws {StartupError} */
function recordsOf(text: string, path: string): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  try {
    parse(text.trimEnd(), {
      bom: true,
      trim: true,
      relax_column_count: true, // a line for each such record says more
      record_delimiter: ["\r\n", "\n", "\r"],
      on_record(cells: readonly string[], { lines }) {
        records.push({ cells, line });
        line = lines + 1;
        return undefined; // nothing else is to be gathered
      },
    });
    return records;
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    const rule = thrown.code === "CSV_QUOTE_NOT_CLOSED"
      ? "a quoted field must be closed, got none to the end of the file"
      : "a quote must be the first character of its field and be doubled inside of it";
    throw new StartupError([`${path}:${line}: ${rule}`], { cause: thrown });
  }
}

/** Finds the places of the columns in a trace's header. */
function placesIn(header: readonly string[], path: string): readonly number[] {
  const names = COLUMNS.map(({ name }) => name);
  const got = header.length === 0 ? "an empty file" : `"${header.join(",")}"`;
  const missing = names.some((name) => !header.includes(name));
  if (missing || names.some((name) => header.indexOf(name) !== header.lastIndexOf(name))) {
    const often = missing ? "" : " once each";
    throw new StartupError([`${path}:1: must have the columns ${names.join(",")}${often}, got ${got}`]);
  }
  return names.map((name) => header.indexOf(name));
}

/** A file's text in the encoding that its first bytes say; `what` it must be. @throws {StartupError} */
export function textOf(bytes: Uint8Array, path: string, what: string): string {
  const mark = bytes[0] === 0xff && bytes[1] === 0xfe
    ? "utf-16le"
    : bytes[0] === 0xfe && bytes[1] === 0xff
    ? "utf-16be"
    : "utf-8";
  try {
    const text = new TextDecoder(mark, { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Told below.
  }
  throw new StartupError([`${path}:1: ${what} must be text in UTF-8, or in UTF-16 with a byte order mark`]);
}

/** The rows before the limits, `speed` times as fast and with the longest prompts and answers cut. @throws {StartupError} */
export function replay(
  { file, speed, maxPromptTokens = Infinity, maxOutputTokens = Infinity }: TraceArrivals,
  limits: TurnLimits,
): { readonly rows: readonly TraceRow[]; readonly use: TraceUse } {
  const all = readTrace(file);
  const played = all
    .slice(0, limits.requests)
    .filter(({ atMs }) => atMs / speed < limits.durationMs);
  const rows = played.map(({ atMs, promptTokens, outputTokens }) => ({
    atMs: atMs / speed,
    promptTokens: Math.min(promptTokens, maxPromptTokens),
    outputTokens: Math.min(outputTokens, maxOutputTokens),
  }));
  const use = {
    rows: all.length,
    played: played.length,
    shortenedPrompts: played.filter(({ promptTokens }) => promptTokens > maxPromptTokens).length,
    shortenedOutputs: played.filter(({ outputTokens }) => outputTokens > maxOutputTokens).length,
  };
  return { rows, use };
}

/** Milliseconds of the epoch, in which the seventh digit of a second is still exact to a microsecond. */
function instantOf(text: string): Millis | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?(?:Z|\+00:00)?$/.exec(text);
  const wholeMs = match ? Date.parse(`${match[1]}T${match[2]}Z`) : NaN;
  return Number.isNaN(wholeMs) ? undefined : wholeMs + 1000 * Number(match?.[3] ?? 0);
}
