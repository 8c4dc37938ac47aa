/**
 * What people write into files, checked by zod schemas whose rules are in words, and a line for each rule that is broken:
 * `FIELD must be RULE, got VALUE`. The message of an issue completes "FIELD must be ..."; of an unknown field it lists the
 * known ones, separated by ", ".
 *
 * @example
 * const read = fields({ port: value<number>("a free port", isFree) }).safeParse(given);
 * if (!read.success) throw new StartupError(firstProblems(problemsOf(read.error, given).map(({ text }) => text), path));
 */
import { z } from "zod";
import { closest } from "./closest.ts";

const MOST_CHARACTERS = 80;
const MOST_PROBLEMS = 20;

/** A value of which a check and its rule in words are all there is to say. */
export function value<T>(rule: string, keeps: (given: unknown) => boolean): z.ZodType<T> {
  return z.custom<T>(keeps, { error: rule });
}

/** A mapping that has these fields and no other. */
export function fields<const Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) => code === "unrecognized_keys" ? names : `a mapping with the fields ${names}`,
  });
}

export interface Problem {
  /** Where in the value it is, so that a file's reader can find the line. */
  readonly path: readonly PropertyKey[];
  readonly text: string;
}

export interface ProblemOptions {
  /** Names the value itself. @default "the file" */
  readonly root?: string;
  /** Writes a value, for files whose values must not all be shown. @default its JSON, cut after 80 characters */
  readonly show?: (given: unknown, path: readonly PropertyKey[]) => string;
}

/** A line for each broken rule, and what an unknown field may have meant. */
export function problemsOf(
  { issues }: Pick<z.ZodError, "issues">,
  given: unknown,
  { root = "the file", show = (given) => shown(given) }: ProblemOptions = {},
): readonly Problem[] {
  return issues.flatMap((issue): Problem[] => {
    if (issue.code !== "unrecognized_keys") {
      const value = show(valueAt(given, issue.path), issue.path);
      const text = `${nameOf(issue.path, root)} must be ${issue.message}, got ${value}`;
      return [{ path: issue.path, text }];
    }
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const known = closest(key, issue.message.split(", "));
      const hint = known === undefined ? "" : `; did you mean ${known}?`;
      return { path, text: `${nameOf(path, root)} must be one of the fields ${issue.message}${hint}` };
    });
  });
}

/** The first of many problems, and how many more there are in the file at `path`. */
export function firstProblems(problems: readonly string[], path: string): readonly string[] {
  const more = problems.length - MOST_PROBLEMS;
  return more > 0 ? [...problems.slice(0, MOST_PROBLEMS), `${path}: and ${more} more problems`] : problems;
}

/** `classes[0].prompt.tokens`. */
function nameOf(path: readonly PropertyKey[], root: string): string {
  const name = path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("");
  return name.replace(/^\./, "") || root;
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) => typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined,
    given,
  );
}

/** A value as JSON, cut after 80 characters; `hide` takes out what must not be seen before that. */
export function shown(given: unknown, hide = (json: string) => json): string {
  if (given === undefined || given === null) return "nothing";
  const text = hide(jsonOf(given));
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}...`;
}

/** An alias of YAML inside its own anchor makes a value that JSON can't write. */
function jsonOf(given: unknown): string {
  try {
    return JSON.stringify(given);
  } catch {
    return "a value that contains itself";
  }
}
