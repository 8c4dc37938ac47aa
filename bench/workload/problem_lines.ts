/** Broken rules of a file as lines for people: `FILE:LINE: FIELD must be RULE, got VALUE`. */
import { closest } from "../../src/cli/closest.ts";
import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from "yaml";
import type { z } from "zod";

type Path = readonly PropertyKey[];

const MOST_CHARACTERS = 80;
const MOST_PROBLEMS = 20;

/** The first of many problems, and how many more there are in the file at `path`. */
export function firstProblems(problems: readonly string[], path: string): readonly string[] {
  const more = problems.length - MOST_PROBLEMS;
  return more > 0 ? [...problems.slice(0, MOST_PROBLEMS), `${path}: and ${more} more problems`] : problems;
}

/** `FIELD must be RULE, got VALUE`, and what an unknown field may have meant. `root` names the value itself. */
export function problemTexts(
  { issues }: z.ZodError,
  given: unknown,
  root: string,
): readonly { readonly path: Path; readonly text: string }[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") {
      const text = `${nameOf(issue.path, root)} must be ${issue.message}, got ${
        shown(valueAt(given, issue.path))
      }`;
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

/** The line, from 1, of what stands at the path, or of the nearest thing around it that is there. */
export function lineOf(path: Path, document: Document, lines: LineCounter): number {
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

/** `classes[0].prompt.tokens`. */
function nameOf(path: Path, root: string): string {
  const name = path.map((step) => typeof step === "number" ? `[${step}]` : `.${String(step)}`).join("");
  return name.replace(/^\./, "") || root;
}

function valueAt(given: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, step) => typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined,
    given,
  );
}

function shown(given: unknown): string {
  if (given === undefined || given === null) return "nothing";
  const text = jsonOf(given);
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}...`;
}

/** An alias inside its own anchor makes a value that JSON can't write. */
function jsonOf(given: unknown): string {
  try {
    return JSON.stringify(given);
  } catch {
    return "a value that contains itself";
  }
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}
