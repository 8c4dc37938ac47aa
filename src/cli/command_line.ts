/**
 * The one reader of command lines: a table of flags gives the values, the help, and a line for each problem. It is our
 * own because no library that was tried tells everything that is wrong at once: commander 15 ends at the first problem,
 * stricli 1.3 at the first unknown flag, citty and cac know neither ranges nor hints; and node's parseArgs takes the
 * next flag for the value that was forgotten. Only commander reads environment variables, and none of the help formats
 * has room for a rule and a variable beside each flag.
 */
import { closest } from "./closest.ts";
import type { Flag, FlagTable, FlagValues } from "./flag.ts";

/** How many words that are no flags a command takes, and the rule, which completes "COMMAND ...". */
export interface Operands {
  readonly least: number;
  readonly most: number;
  readonly rule: string;
}

export const FLAGS_ONLY: Operands = { least: 0, most: 0, rule: "takes flags only" };

export interface Command<Table extends FlagTable> {
  /** As people call it: `serve`, `keys new`. */
  readonly name: string;
  readonly flags: Table;
  /** @default FLAGS_ONLY */
  readonly operands?: Operands;
  /** A flag that stands twice is a problem. @default the last one counts */
  readonly once?: boolean;
  /** Flags that this command refuses though they exist; `why` completes "--flag ...". */
  readonly others?: { readonly flags: FlagTable; why(name: string): string | undefined };
}

export interface CommandLine<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  /** What a flag or a variable has given. */
  readonly given: ReadonlySet<keyof Table>;
  /** What a flag has given. */
  readonly typed: ReadonlySet<keyof Table>;
  readonly operands: readonly string[];
  /** One line each. The caller adds what only shows between flags, and throws them all. */
  readonly problems: string[];
  /** Help was asked for, which goes before every problem. */
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

/** A line whose first word names one of several commands. */
export interface Subcommand<Name extends string> {
  /** Undefined: no word or an unknown one was first, see `word`. */
  readonly name: Name | undefined;
  readonly word: string | undefined;
  /** The line without it. */
  readonly rest: readonly string[];
  readonly help: boolean;
}

/** Finds the command that a line names, where its program has several; `flags` are those of all of them. */
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

/** The problem of a line whose first word is no command. */
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
    return `${head}\n      ${help}${isSwitch ? "" : `; ${rule}`}`;
  }).join("\n");
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
  /** As typed, with its dashes; undefined for a word. */
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
  // A command without words of its own has no other use for one. Prompts, of any number of words, may be "1" or "true".
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
