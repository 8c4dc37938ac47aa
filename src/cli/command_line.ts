/**
 * The reader of all command lines: a table of flags gives the values, the help, and a line for each problem.
 *
 * It is our own because no library reports all problems at once: commander 15 stops at the first one, stricli 1.3 at the
 * first unknown flag, and citty 0.2 and cac 7 check neither ranges nor spelling. Of these only commander reads environment
 * variables, and there a flag of yes or no can't be switched off (`--name=false`). node's parseArgs takes the next flag as
 * the value of a flag whose value was forgotten.
 */
import { closest } from "./closest.ts";
import type { Flag, FlagTable, FlagValues } from "./flag.ts";

/** How many words a command takes beside its flags, and the rule, which completes "COMMAND ...". */
export interface Operands {
  readonly least: number;
  readonly most: number;
  readonly rule: string;
}

/** The width of help in characters. */
const WIDTH = 116;

const FLAGS_ONLY: Operands = { least: 0, most: 0, rule: "takes flags only" };

export interface Command<Table extends FlagTable> {
  /** The name in problems, as `serve` or `keys new`. */
  readonly name: string;
  readonly flags: Table;
  /** @default FLAGS_ONLY */
  readonly operands?: Operands;
  /** Refuse a flag that is given twice. @default the last one counts */
  readonly once?: boolean;
  /** Flags that this command refuses though they exist; `why` completes "--flag ...". */
  readonly others?: { readonly flags: FlagTable; why(name: string): string | undefined };
}

export interface CommandLine<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  /** The names of values that a flag or a variable gave. */
  readonly given: ReadonlySet<keyof Table>;
  /** The names of values that a flag gave. */
  readonly typed: ReadonlySet<keyof Table>;
  readonly operands: readonly string[];
  /** One line for each problem. The caller adds those between several flags, and throws them together. */
  readonly problems: string[];
  /** Help was asked for, whatever the problems. */
  readonly help: boolean;
}

/**
 * Reads what was typed after the command's name. A flag is `--name value` or `--name=value`, one that says yes or no
 * also `--name` alone; `--` ends the flags. A flag goes before its variable, and an empty variable counts as not given.
 */
export function readCommandLine<Table extends FlagTable>(
  { name: command, flags, operands: rule = FLAGS_ONLY, once = false, others }: Command<Table>,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): CommandLine<Table> {
  const values: Record<string, unknown> = {};
  const typed = new Set<string>();
  const problems: string[] = [];
  const operands: string[] = [];
  let help = false;
  const take = (name: string, flag: Flag<unknown>, as: string, text: string | undefined) => {
    const isBare = text === undefined && typeof flag.fallback === "boolean";
    const value = isBare ? true : text === undefined ? undefined : flag.parse(text);
    if (value !== undefined) {
      values[name] = flag.repeats ? [...values[name] as unknown[], ...value as unknown[]] : value;
    } else {problems.push(
        `${flag.label ?? as} must be ${flag.rule}, got ${JSON.stringify(text) ?? "nothing"}`,
      );}
  };
  const whyNot = (name: string) => {
    const isElsewhere = others !== undefined && Object.hasOwn(others.flags, name);
    const why = isElsewhere ? others.why(name) : undefined;
    return why ?? `is no flag of ${command}; ${hint(command, name, isElsewhere ? {} : flags)}`;
  };
  for (const [name, { fallback }] of Object.entries(flags)) values[name] = fallback;
  for (const token of tokensOf({ ...others?.flags, ...flags }, rule.most, args)) {
    const { word, flag: rawName = "", value } = token;
    const name = rawName.replace(/^--/, "");
    const flag = flagNamed(flags, name);
    if (word !== undefined) operands.push(word);
    else if (isHelp(rawName)) help = true;
    else if (!flag) problems.push(`${rawName} ${whyNot(name)}`);
    else if (once && typed.has(name)) problems.push(`${rawName} must be given once, got it again`);
    else {
      typed.add(name);
      take(name, flag, rawName, value);
    }
  }
  const given = new Set(typed);
  for (const [name, flag] of Object.entries(flags)) {
    const text = flag.variable && env[flag.variable];
    if (!flag.variable || !text || typed.has(name)) continue;
    given.add(name);
    take(name, flag, flag.variable, text);
  }
  if (operands.length < rule.least || operands.length > rule.most) {
    problems.push(`${command} ${rule.rule}, got ${JSON.stringify(operands.join(" "))}`);
  }
  return { values: values as FlagValues<Table>, given, typed, operands, problems, help };
}

/** The command of a line for a program that has several. */
export interface Subcommand<Name extends string> {
  /** Undefined when the first word is not a command, or there is none. */
  readonly name: Name | undefined;
  readonly word: string | undefined;
  /** The line without the name. */
  readonly rest: readonly string[];
  readonly help: boolean;
}

/** Finds the command that the first word of a line names; `flags` are the flags of all commands. */
export function subcommandOf<Name extends string>(
  names: readonly Name[],
  flags: FlagTable,
  args: readonly string[],
): Subcommand<Name> {
  const tokens = [...tokensOf(flags, Infinity, args)];
  const words = tokens.filter(({ word }) => word !== undefined);
  const help = tokens.some(({ flag = "" }) => isHelp(flag));
  const [first, second] = words;
  if (first?.word === "help") {
    return { name: names.find((name) => name === second?.word), word: first.word, rest: [], help: true };
  }
  const name = names.find((name) => name === first?.word);
  const rest = name === undefined ? args : args.toSpliced(first!.at, 1);
  return { name, word: first?.word, rest, help };
}

/** A line for each word that is not one of the known names of a kind, as `suite`. */
export function unknownNames(kind: string, words: readonly string[], known: readonly string[]): string[] {
  return words.filter((word) => !known.includes(word)).map((word) => {
    const meant = closest(word, known);
    const hint = meant === undefined ? `there are ${known.join(", ")}` : `did you mean ${meant}?`;
    return `${word} is no ${kind}; ${hint}`;
  });
}

/** The problem of a line whose first word is not a command. */
export function unknownCommand(program: string, names: readonly string[], word = ""): string {
  const meant = closest(word, names);
  const hint = meant === undefined ? `${program} --help tells more` : `did you mean ${meant}?`;
  return `${program} needs one of ${names.join(", ")}, got ${JSON.stringify(word)}; ${hint}`;
}

/** The flags as lines for `--help`. */
export function flagsHelp(flags: FlagTable): string {
  return Object.entries(flags).map(([name, { fallback, help, rule, value, variable, repeats }]) => {
    const isSwitch = fallback === false && variable === undefined;
    const notes = [variable, isSwitch ? undefined : shownDefault(fallback), repeats && "may be repeated"];
    const known = notes.filter(Boolean).join(", ");
    const head = `  --${name}${value === undefined ? "" : ` ${value}`}${known && `  (${known})`}`;
    return `${head}\n${wrapped(isSwitch ? help : `${help}; ${rule}`, "      ")}`;
  }).join("\n");
}

/** Breaks a paragraph into lines of the width that help has, each behind the indent. */
export function wrapped(text: string, indent = ""): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    const longer = `${line ?? indent}${line === undefined ? "" : " "}${word}`;
    if (line === undefined || longer.length > WIDTH) lines.push(indent + word);
    else lines[lines.length - 1] = longer;
  }
  return lines.join("\n");
}

/** A default as help and docs write it. */
export function shown(fallback: unknown): string {
  return fallback === "" ? "none" : String(fallback);
}

function shownDefault(fallback: unknown): string | undefined {
  const isNothing = fallback === undefined || (Array.isArray(fallback) && fallback.length === 0);
  return isNothing ? undefined : `default ${shown(fallback)}`;
}

interface Token {
  /** Its place in the line. */
  readonly at: number;
  /** The flag as typed, with its dashes; undefined for a word. */
  readonly flag?: string;
  readonly value?: string | undefined;
  readonly word?: string;
}

/** Splits a line that may have at most `most` words beside its flags. */
function* tokensOf(flags: FlagTable, most: number, args: readonly string[]): Generator<Token> {
  const end = args.indexOf("--");
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (at === end) continue;
    if ((end >= 0 && at > end) || !arg.startsWith("-") || arg === "-") {
      yield { at, word: arg };
      continue;
    }
    const [, flag = arg, inline] = /^([^=]+)=([^]*)$/.exec(arg) ?? [];
    const takesNext = inline === undefined && !isHelp(flag) &&
      isItsValue(args[at + 1], flagNamed(flags, flag.replace(/^--/, "")), most);
    yield { at, flag, value: takesNext ? args[++at] : inline };
  }
}

/** Whether the word after a flag is the flag's value. */
function isItsValue(next: string | undefined, flag: Flag<unknown> | undefined, most: number): boolean {
  if (next === undefined || next.startsWith("--")) return false;
  if (flag && typeof flag.fallback !== "boolean") return true;
  // Where a command takes flags only, a word can only be a value. A prompt may begin with "1" or "true".
  if (most === 0) return !next.startsWith("-");
  return flag !== undefined && Number.isFinite(most) && flag.parse(next) !== undefined;
}

function flagNamed(flags: FlagTable, name: string): Flag<unknown> | undefined {
  return Object.hasOwn(flags, name) ? flags[name] : undefined;
}

function isHelp(flag: string): boolean {
  return flag === "--help" || flag === "-h";
}

function hint(command: string, name: string, flags: FlagTable): string {
  const letters = name.replace(/^-/, "");
  const meant = letters.length > 1 ? closest(letters, Object.keys(flags)) : undefined;
  return meant === undefined ? `${command} --help lists them` : `did you mean --${meant}?`;
}
