/** Workload files: what a run measures, written down in YAML or JSON. docs/workloads.md has the format. */
import { existsSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import type { z } from "zod";
import { firstProblems, problemsOf } from "../../src/cli/problems.ts";
import { messageOf, StartupError } from "../../src/core/errors.ts";
import type { Load, RequestMix, Variant } from "../plan.ts";
import { WORKLOAD } from "./schema.ts";
import { readTrace, textOf, tracePath } from "./trace.ts";

/** What a workload file says of a run; what it leaves out is up to flags and defaults. Times are in seconds. */
export interface WorkloadFile
  extends Readonly<Omit<z.output<typeof WORKLOAD>, "classes" | "loads" | "variants">> {
  readonly mix?: RequestMix;
  readonly loads?: readonly Load[];
  readonly variants?: readonly Variant[];
}

/** Aliases of aliases multiply: a file of few lines must not become a value of millions. */
const MOST_ALIASES = 100;
const MOST_BYTES = 2 ** 20;

/**
 * Reads a workload file, YAML or JSON, and checks that its traces can be read.
 * @throws {StartupError} with a line `FILE:LINE: FIELD must be RULE, got VALUE` for each problem
 */
export async function readWorkloadFile(path: string): Promise<WorkloadFile> {
  const unreadable = (thrown: unknown): never => {
    throw new StartupError([`${path}: the workload file can't be read: ${messageOf(thrown)}`], {
      cause: thrown,
    });
  };
  const { size } = await stat(path).catch(unreadable);
  if (size > MOST_BYTES) {
    throw new StartupError([`${path}: a workload file must have at most ${MOST_BYTES} bytes, got ${size}`]);
  }
  const bytes = await readFile(path).catch(unreadable);
  return parseWorkload(textOf(bytes, path, "a workload file"), path);
}

/**
 * Reads a workload file's text. `path` names it in problems; traces are looked for in its folder.
 * @throws {StartupError}
 */
export function parseWorkload(text: string, path: string): WorkloadFile {
  const { given, lineAt } = parseYaml(text, path);
  const read = WORKLOAD.safeParse(given);
  if (!read.success) {
    const problems = problemsOf(read.error, given, { root: "a workload file" })
      .map(({ path: at, text }) => ({ line: lineAt(at), text }))
      .sort((one, other) => one.line - other.line)
      .map(({ line, text }) => `${path}:${line}: ${text}`);
    throw new StartupError(firstProblems(problems, path));
  }
  const { classes, loads, ...same } = read.data;
  const problems: string[] = [];
  const found = loads?.map((load, index) =>
    withTrace(load, dirname(path), (text) => {
      problems.push(`${path}:${lineAt(["loads", index, "trace"])}: loads[${index}].trace ${text}`);
    })
  );
  if (problems.length > 0) throw new StartupError(firstProblems(problems, path));
  return { ...same, ...(classes && { mix: { classes } }), ...(found && { loads: found }) };
}

function parseYaml(text: string, path: string) {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings]
    .map(({ pos: [at], code, message }) =>
      `${path}:${lines.linePos(at).line}: ${
        code === "MULTIPLE_DOCS" ? "a workload file must be one YAML document" : message
      }`
    );
  if (problems.length === 0) problems.push(...aliasProblems(document, path, lines));
  if (problems.length > 0) throw new StartupError(firstProblems(problems, path));
  try {
    const given: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    return { given, lineAt: (at: readonly PropertyKey[]) => lineOf(at, document, lines) };
  } catch (thrown) {
    throw new StartupError([`${path}: the aliases can't be written out: ${messageOf(thrown)}`], {
      cause: thrown,
    });
  }
}

function aliasProblems(document: Document, path: string, lines: LineCounter): readonly string[] {
  const aliases: Alias[] = [];
  visit(document, { Alias: (_, alias) => void aliases.push(alias) });
  if (aliases.length > MOST_ALIASES) {
    return [`${path}: a workload file must have at most ${MOST_ALIASES} aliases, got ${aliases.length}`];
  }
  return aliases
    .filter((alias) => !alias.resolve(document))
    .map(({ source, range }) =>
      `${path}:${lines.linePos(range?.[0] ?? 0).line}: *${source} must have its anchor &${source} above it`
    );
}

/** The load with its trace found in the workload file's folder or among the shipped ones. */
function withTrace(load: Load, folder: string, problem: (text: string) => void): Load {
  if (load.kind === "closed" || load.arrivals.kind !== "trace") return load;
  const { file } = load.arrivals;
  const beside = isAbsolute(file) ? file : join(folder, file);
  const found = existsSync(beside) ? beside : file;
  if (found === file && tracePath(file) === file && !isAbsolute(file)) {
    problem(`must be a file in ${folder} or the name of a shipped trace, got ${JSON.stringify(file)}`);
    return load;
  }
  try {
    readTrace(found);
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown;
    thrown.problems.forEach((text) => problem(`must be a trace: ${text}`));
  }
  return { ...load, arrivals: { ...load.arrivals, file: found } };
}

/** The line, from 1, of what stands at the path, or of the nearest thing around it that is there. */
function lineOf(path: readonly PropertyKey[], document: Document, lines: LineCounter): number {
  let node: unknown = document.contents;
  let offset = offsetOf(node) ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    const found = isMap(node)
      ? node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step))
      : undefined;
    const item = isSeq(node) && typeof step === "number" ? node.items[step] : undefined;
    if (!found && item === undefined) break;
    offset = offsetOf(found?.key ?? item) ?? offset;
    node = found ? found.value : item;
  }
  return lines.linePos(offset).line;
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}
