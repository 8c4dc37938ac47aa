/** Tables of flags, from which a client's command line and its help are made. */
import { parseArgs } from "node:util";
import { closest } from "./closest.ts";

export interface Flag<T> {
  /** Undefined: what happens then stands in `help`. */
  readonly fallback: T;
  readonly help: string;
  /** Completes "--flag must be ..."; of a flag that takes no value empty. */
  readonly rule: string;
  /** The variable that counts when the flag is not given. */
  readonly variable?: string;
  /** The flag may stand more than once; its values are collected. */
  readonly repeats?: true;
  /** Undefined when the text breaks the rule. */
  parse(text: string): T | undefined;
}

// A flag takes its T only in `parse`, as a method, so that all flags fit here.
export type FlagTable = { readonly [name: string]: Flag<unknown> };
export type FlagValues<Table extends FlagTable> = { readonly [Name in keyof Table]: Table[Name]["fallback"] };

export interface CommandLine<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  readonly operands: readonly string[];
  /** One line each. */
  readonly problems: string[];
  readonly help: boolean;
}

/** Reads what was typed after `program`; a flag goes before its variable, and an empty variable counts as not given. */
export function readCommandLine<Table extends FlagTable>(
  program: string,
  table: Table,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): CommandLine<Table> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  const operands: string[] = [];
  let help = false;
  const take = (name: string, { repeats, rule, parse }: Flag<unknown>, as: string, text: string) => {
    const value = parse(text);
    if (value === undefined) problems.push(`${as} must be ${rule}, got ${JSON.stringify(text)}`);
    else values[name] = repeats ? [...values[name] as unknown[], ...value as unknown[]] : value;
  };
  for (const [name, flag] of Object.entries(table)) {
    values[name] = flag.fallback;
    const text = flag.variable && env[flag.variable];
    if (flag.variable && text && !isGiven(name, args)) take(name, flag, flag.variable, text);
  }
  for (const token of tokensOf(table, args)) {
    if (token.kind === "positional") operands.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (name === "help" || name === "h") help = true;
    else if (!flag || rawName !== `--${name}`) problems.push(unknownFlag(program, rawName, name, table));
    else if (flag.rule !== "") take(name, flag, rawName, value ?? "");
    else if (value === undefined) values[name] = true;
    else problems.push(`${rawName} must be given without a value, got ${JSON.stringify(value)}`);
  }
  return { values: values as FlagValues<Table>, operands, problems, help };
}

/** The flags as lines for `--help`. */
export function flagsHelp(table: FlagTable): string {
  return Object.entries(table).map(([name, { fallback, help, rule, variable, repeats }]) => {
    const known = [
      variable,
      ["string", "number"].includes(typeof fallback) ? `default ${fallback}` : undefined,
      repeats && "may be repeated",
    ].filter(Boolean);
    const notes = known.length > 0 ? `  (${known.join(", ")})` : "";
    return `  --${name}${notes}\n      ${help}${rule === "" ? "" : `; ${rule}`}`;
  }).join("\n");
}

/** A flag that says yes by being there. */
export function yes(help: string): Flag<boolean> {
  return { fallback: false, help, rule: "", parse: () => true };
}

export function whole(min: number, max: number, help: string): Flag<number | undefined> {
  return {
    fallback: undefined,
    help,
    rule: `a whole number from ${min} to ${max}`,
    parse: (text) => /^\d{1,15}$/.test(text) ? within(Number(text), min, max) : undefined,
  };
}

export function decimal(min: number, max: number, help: string): Flag<number | undefined> {
  return {
    fallback: undefined,
    help,
    rule: `a number from ${min} to ${max}`,
    parse: (text) => /^\d{1,9}(\.\d{1,9})?$/.test(text) ? within(Number(text), min, max) : undefined,
  };
}

export function text(rule: string, pattern: RegExp, help: string): Flag<string | undefined> {
  return { fallback: undefined, help, rule, parse: (text) => pattern.test(text) ? text : undefined };
}

export function texts(rule: string, pattern: RegExp, help: string): Flag<readonly string[]> {
  return {
    fallback: [],
    help,
    rule,
    repeats: true,
    parse: (text) => pattern.test(text) ? [text] : undefined,
  };
}

export function oneOf<const T extends string>(values: readonly T[], help: string): Flag<T | undefined> {
  return {
    fallback: undefined,
    help,
    rule: `one of ${values.join(", ")}`,
    parse: (text) => values.find((value) => value === text),
  };
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

function tokensOf(table: FlagTable, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(table).map((
      [name, { rule }],
    ) => [name, { type: rule === "" ? "boolean" as const : "string" as const }]),
  );
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

function isGiven(name: string, args: readonly string[]): boolean {
  return args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
}

function unknownFlag(program: string, rawName: string, name: string, table: FlagTable): string {
  const meant = name.length > 1 ? closest(name, Object.keys(table)) : undefined;
  const hint = meant === undefined ? `${program} --help lists them` : `did you mean --${meant}?`;
  return `${rawName} is no flag of ${program}; ${hint}`;
}
