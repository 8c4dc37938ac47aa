/** Flags of command lines: what one is, and makers for the usual kinds. */
import { flag, oneOf as choice, type Setting, wholeNumber } from "../core/setting.ts";

/** A setting as `--name` of a command line. Where `fallback` is undefined, `help` says what happens without the flag. */
export interface Flag<T> extends Setting<T> {
  /** The placeholder of the value in the help, as PATH. */
  readonly value?: string;
  /** The environment variable that counts when the flag is not given. */
  readonly variable?: string;
  /** The name in problems, whether a flag or the variable gave the value. @default the one that did */
  readonly label?: string;
  /** It may be given more than once; the values are collected. */
  readonly repeats?: true;
}

// A flag takes its T only in `parse`, as a method, so that flags of all types fit here.
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;
export type FlagValues<Table extends FlagTable> = { readonly [Name in keyof Table]: Table[Name]["fallback"] };

/** A flag that is false unless it is given. */
export function yes(help: string): Flag<boolean> {
  return flag(false, help);
}

export function whole<T extends number | undefined>(
  min: number,
  max: number,
  fallback: T,
  help: string,
): Flag<number | T> {
  return { ...wholeNumber(min, max, min, help), fallback };
}

export function decimal<T extends number | undefined>(
  min: number,
  max: number,
  fallback: T,
  help: string,
): Flag<number | T> {
  return {
    fallback,
    help,
    rule: `a number from ${min} to ${max}`,
    parse(text) {
      const value = Number(text);
      return /^\d{1,9}(\.\d{1,9})?$/.test(text) && value >= min && value <= max ? value : undefined;
    },
  };
}

export function oneOf<const T extends string>(values: readonly T[], help: string): Flag<T | undefined> {
  return { ...choice<T>(values, values[0] as NoInfer<T>, help), fallback: undefined };
}

/** A text that the pattern matches. */
export function text(rule: string, pattern: RegExp, help: string): Flag<string | undefined> {
  return { fallback: undefined, help, rule, parse: (text) => pattern.test(text) ? text : undefined };
}

/** As `text`; the flag may be given any number of times. */
export function texts(rule: string, pattern: RegExp, help: string): Flag<readonly string[]> {
  return {
    fallback: [],
    help,
    rule,
    repeats: true,
    parse: (text) => pattern.test(text) ? [text] : undefined,
  };
}

/** A list of items with commas between them; doubles are dropped. */
export function listOf<T>(
  fallback: readonly T[],
  rule: string,
  help: string,
  parse: (text: string) => T | undefined,
): Flag<readonly T[]> {
  return {
    fallback,
    help,
    rule: `${rule}, separated by commas`,
    parse(text) {
      const items = [...new Set(text.split(",").map((item) => parse(item.trim())))];
      return items.every((item) => item !== undefined) ? items as T[] : undefined;
    },
  };
}
