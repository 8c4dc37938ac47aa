import { type Mode, MODES } from "../src/types.ts";

interface Flag<T> {
  /** Undefined: what happens then stands in `help`. */
  readonly fallback: T;
  readonly help: string;
  /** Completes "--flag must be ...". */
  readonly rule: string;
  /** Undefined when the text breaks the rule. */
  parse(text: string): T | undefined;
}

/** The bench's own flags; the engine's settings are flags too, see `options.ts`. */
export const FLAGS = {
  modes: listOf<Mode>(
    MODES,
    `one or more of ${MODES.join(", ")}`,
    "modes to measure, one after the other",
    (text) => MODES.find((mode) => mode === text),
  ),
  concurrency: listOf(
    [1, 8, 32],
    "whole numbers from 1 to 4096",
    "clients that each wait for an answer before they ask again",
    (text) => wholeNumber(text, 1, 4096),
  ),
  requests: whole(
    1,
    10_000_000,
    undefined,
    "requests of each level (default: 3 for each client, at least 16)",
  ),
  duration: whole(
    1,
    86_400,
    undefined,
    "seconds after which a level starts no request (default: 30; with --requests: no limit)",
  ),
  "max-tokens": whole(1, 1_000_000, 48, "output tokens that each request asks for at most"),
  stream: yesOrNo(true, "clients read the answer token by token, and so see TTFT and ITL"),
  seed: whole(0, 2 ** 31 - 1, 1, "the same seed gives the same requests"),
  timeout: whole(1, 86_400, 120, "seconds after which a request without an answer has failed"),
  target: text(
    "HOST:PORT",
    /^(\[[0-9a-fA-F:.]+\]|[^\s/:@]+):\d{1,5}$/,
    "measure the engine that runs there, in the mode it is in, and start nothing",
  ),
  out: text("a folder", /\S/, "where the results go (default: bench/results/ and the time)"),
} as const satisfies Record<string, Flag<unknown>>;

export type FlagName = keyof typeof FLAGS;
export type FlagValues = { -readonly [Name in FlagName]: (typeof FLAGS)[Name]["fallback"] };

export function isFlag(name: string): name is FlagName {
  return Object.hasOwn(FLAGS, name);
}

function listOf<T>(
  fallback: readonly T[],
  rule: string,
  help: string,
  parse: (text: string) => T | undefined,
): Flag<readonly T[]> {
  return {
    fallback,
    rule: `${rule}, separated by commas`,
    help,
    parse(text) {
      const items = [...new Set(text.split(",").map((item) => parse(item.trim())))];
      return items.every((item) => item !== undefined) ? items as T[] : undefined;
    },
  };
}

function whole<T extends number | undefined>(
  min: number,
  max: number,
  fallback: T,
  help: string,
): Flag<number | T> {
  const rule = `a whole number from ${min} to ${max}`;
  return { fallback, rule, help, parse: (text) => wholeNumber(text, min, max) };
}

function yesOrNo(fallback: boolean, help: string): Flag<boolean> {
  const meanings = new Map([["1", true], ["true", true], ["0", false], ["false", false]]);
  return { fallback, help, rule: "1, true, 0 or false", parse: (text) => meanings.get(text) };
}

function text(rule: string, pattern: RegExp, help: string): Flag<string | undefined> {
  return { fallback: undefined, rule, help, parse: (text) => pattern.test(text) ? text : undefined };
}

function wholeNumber(text: string, min: number, max: number): number | undefined {
  const value = Number(text);
  return /^\d{1,15}$/.test(text) && value >= min && value <= max ? value : undefined;
}
