import { parseArgs } from "node:util";
import {
  DOOR_SETTINGS,
  flagOf,
  type ParsedSettings,
  parseSettings,
  SETTING_NAMES,
  type SettingName,
} from "../../src/config/config.ts";
import { closest } from "../../src/terminal/closest.ts";
import { StartupError } from "../../src/core/errors.ts";
import { type CommandName, COMMANDS, isCommand } from "./commands.ts";
import { FLAG_NAMES, type FlagName, FLAGS, type FlagValues, isFlag, withYes } from "./flags.ts";

/** Batches as large as the most clients; the engine's own variables and flags go before these. */
export const ENGINE_DEFAULTS = { MAX_BATCH_SIZE: "32", BATCH_WINDOW_MS: "20" };

/** The run decides these itself. */
export const NOT_FOR_BENCH: { readonly [Name in SettingName]?: string } = {
  ENGINE_MODE: "use --modes",
  ...Object.fromEntries(DOOR_SETTINGS.map((name) => [
    name,
    "it starts its engines on free local ports for itself alone; for a running one use --target",
  ])),
};

/** What was typed, checked as far as one flag goes. */
export interface Command {
  readonly name: CommandName;
  readonly operands: readonly string[];
  readonly values: Readonly<FlagValues>;
  /** The flags that were typed. */
  readonly given: ReadonlySet<FlagName>;
  readonly engine: ParsedSettings;
  /** As typed, to be kept with the results. */
  readonly line: readonly string[];
}

/**
 * Reads the command line; settings of the engine come from flags and the environment, as for `serve`. `help` asks for
 * the help of a command, or of all.
 * @throws {StartupError} with one line for each problem.
 */
export function parseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Command | { readonly help: CommandName | undefined } {
  const named = isCommand(args[0] ?? "");
  const name: CommandName = isCommand(args[0] ?? "") ? args[0] as CommandName : "run";
  const tokens = tokensOf(named ? args.slice(1) : args);
  if (tokens.some((token) => token.kind === "option" && ["help", "h"].includes(token.name))) {
    return { help: named ? name : undefined };
  }
  if (args[0] === "help") return { help: isCommand(args[1] ?? "") ? args[1] as CommandName : undefined };
  const { flags, operands: operandRule } = COMMANDS[name];
  const allowed = new Set<string>(flags);
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const flag of FLAG_NAMES) values[flag] = FLAGS[flag].fallback;
  const given = new Set<FlagName>();
  const engineArgs: string[] = [];
  const operands: string[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.kind === "positional") {
      const problem = problemOfValue(token.value, tokens[at - 1], operandRule.most === 0);
      if (problem === undefined) operands.push(token.value);
      else problems.push(...problem);
    }
    if (token.kind !== "option") continue;
    const { name: flag, rawName, value } = token;
    const setting = SETTING_NAMES.find((candidate) => flagOf(candidate) === rawName);
    if (isFlag(flag) && allowed.has(flag)) {
      const { parse, rule, ...more } = FLAGS[flag];
      const parsed = parse(value ?? "");
      if (parsed === undefined) {
        problems.push(`${rawName} must be ${rule}, got ${JSON.stringify(value ?? "")}`);
      }
      values[flag] = "repeats" in more
        ? [...values[flag] as string[], ...(parsed as string[] ?? [])]
        : parsed;
      given.add(flag);
    } else if (isFlag(flag)) {
      problems.push(`${rawName} is no flag of bench ${name}; bench ${name} --help lists them`);
    } else if (!setting || !allowed.has("out")) {
      const known = [...allowed, ...allowed.has("out") ? SETTING_FLAGS : []];
      const meant = closest(flag, known);
      const hint = meant === undefined ? `bench ${name} --help lists them` : `did you mean --${meant}?`;
      problems.push(`${rawName} is no flag of bench; ${hint}`);
    } else if (setting in NOT_FOR_BENCH) {
      problems.push(`${rawName} is not for bench: ${NOT_FOR_BENCH[setting]}`);
    } else engineArgs.push(value === undefined ? rawName : `${rawName}=${value}`);
  }
  if (operands.length < operandRule.least || operands.length > operandRule.most) {
    problems.push(`${named ? name : "bench"} ${operandRule.rule}, got ${JSON.stringify(operands.join(" "))}`);
  }
  if (given.has("target")) problems.push(...notWithTarget(tokens.flatMap(rawNameOf)));
  const engine = readEngineSettings(engineArgs, env, problems);
  if (!engine || problems.length > 0) throw new StartupError(problems);
  return { name, operands, values: values as FlagValues, given, engine, line: ["bench", ...args] };
}

/**
 * What is wrong with a word that is no flag, where it can only be the value of the flag before it: none if that flag
 * is unknown, and so told already. Undefined: it is an operand.
 */
function problemOfValue(
  value: string,
  before: Token | undefined,
  takesFlagsOnly: boolean,
): string[] | undefined {
  if (before?.kind !== "option") return undefined;
  const { name, rawName } = before;
  if (!takesFlagsOnly) return undefined;
  if (!isFlag(name)) return before.value === undefined && !SETTING_FLAGS.includes(name) ? [] : undefined;
  const { fallback, rule } = FLAGS[name];
  return typeof fallback === "boolean"
    ? [`${rawName} must be ${rule}, got ${JSON.stringify(value)}`]
    : undefined;
}

type Token = ReturnType<typeof tokensOf>[number];

/** Without their dashes. */
const SETTING_FLAGS = SETTING_NAMES.map((name) => flagOf(name).slice(2));

function tokensOf(args: readonly string[]) {
  const values = [...FLAG_NAMES, ...SETTING_FLAGS];
  const options = Object.fromEntries(values.map((name) => [name, { type: "string" as const }]));
  return parseArgs({ args: withYes(args), options, strict: false, tokens: true }).tokens;
}

function rawNameOf(token: Token): string[] {
  return token.kind === "option" ? [token.rawName] : [];
}

/** A running engine is measured as it is, so flags that shape one would be ignored. */
function notWithTarget(rawNames: readonly string[]): string[] {
  const shaping = new Set(["--modes", "--variant", "--vary", ...SETTING_NAMES.map(flagOf)]);
  return rawNames
    .filter((rawName) => shaping.has(rawName))
    .map((rawName) => `${rawName} must be left out with --target, which measures an engine as it is`);
}

function readEngineSettings(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  problems: string[],
): ParsedSettings | undefined {
  const given = Object.entries(env).filter(([name, value]) => value !== "" && !(name in NOT_FOR_BENCH));
  try {
    return parseSettings(args, { ...ENGINE_DEFAULTS, ...Object.fromEntries(given) });
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown;
    problems.push(...thrown.problems);
    return undefined;
  }
}
