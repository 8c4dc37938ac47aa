import { parseArgs } from "node:util";
import {
  flagOf,
  type ParsedSettings,
  parseSettings,
  SETTING_NAMES,
  type SettingName,
} from "../src/config.ts";
import { StartupError } from "../src/errors.ts";
import type { Millis } from "../src/types.ts";
import { FLAGS, type FlagValues, isFlag } from "./flags.ts";

/** Batches as large as the most clients; the engine's own variables and flags go before these. */
const ENGINE_DEFAULTS = { MAX_BATCH_SIZE: "32", BATCH_WINDOW_MS: "20" };

/** The run decides these itself. */
const NOT_FOR_BENCH: { readonly [Name in SettingName]?: string } = {
  ENGINE_MODE: "use --modes",
  BIND_HOST: "it starts its engines on free local ports; for a running one use --target",
  BIND_PORT: "it starts its engines on free local ports; for a running one use --target",
};

export interface RunOptions extends Readonly<FlagValues> {
  readonly engine: ParsedSettings;
}

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "report"; readonly folder: string }
  | { readonly kind: "run"; readonly options: RunOptions };

/**
 * Reads the command line; settings of the engine come from flags and the environment, as for `serve`.
 * @throws {StartupError} with one line for each problem.
 */
export function parseCommand(args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const tokens = tokensOf(args);
  if (tokens.some((token) => token.kind === "option" && ["help", "h"].includes(token.name))) {
    return { kind: "help" };
  }
  if (args[0] === "report") return parseReport(args.slice(1));
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  const engineArgs: string[] = [];
  for (const [name, { fallback }] of Object.entries(FLAGS)) values[name] = fallback;
  for (const token of tokens) {
    if (token.kind === "positional") problems.push(notExpected(token.value));
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const setting = SETTING_NAMES.find((candidate) => flagOf(candidate) === rawName);
    if (isFlag(name)) {
      const { parse, rule } = FLAGS[name];
      values[name] = value === undefined ? undefined : parse(value);
      if (values[name] === undefined) {
        problems.push(`${rawName} must be ${rule}, got ${JSON.stringify(value ?? "")}`);
      }
    } else if (!setting) problems.push(`${rawName} is no flag of bench; bench --help lists them`);
    else if (setting in NOT_FOR_BENCH) {
      problems.push(`${rawName} is not for bench: ${NOT_FOR_BENCH[setting]}`);
    } else engineArgs.push(value === undefined ? rawName : `${rawName}=${value}`);
  }
  if (values.target !== undefined) problems.push(...notWithTarget(tokens.flatMap(rawNameOf)));
  const engine = readEngineSettings(engineArgs, env, problems);
  if (!engine || problems.length > 0) throw new StartupError(problems);
  return { kind: "run", options: { ...(values as FlagValues), engine } };
}

/** When a level ends: after so many requests or so much time, whichever is first. */
export function limitsOf(
  { requests, duration }: Pick<RunOptions, "requests" | "duration">,
  concurrency: number,
): { requests: number; durationMs: Millis } {
  if (requests === undefined && duration === undefined) {
    return { requests: Math.max(16, 3 * concurrency), durationMs: 30_000 };
  }
  return { requests: requests ?? Infinity, durationMs: (duration ?? Infinity) * 1000 };
}

export function helpText(): string {
  const flags = Object.entries(FLAGS).map(([name, { fallback, rule, help }]) => {
    const otherwise = fallback === undefined ? "" : ` (default ${fallback})`;
    return `  --${name}${otherwise}\n      ${help}; ${rule}`;
  });
  return `Measures the engine's modes on the same worker with the same requests and prints one table.

  deno task bench
      all modes at 1, 8 and 32 clients, in a few minutes
  deno task bench --modes micro_batch --concurrency 1,16,64 --max-batch-size 64
      one mode, with other settings
  deno task bench --concurrency 32 --duration 60 --max-tokens 150
      a minute for each mode, with longer answers
  deno task bench --target 127.0.0.1:50061 --requests 200
      an engine that is already running
  WORKER_ENDPOINT=127.0.0.1:50071 deno task bench
      a worker that is already running
  WORKER_BACKEND=sim deno task bench
      no model: the times of a GPU, simulated
  deno task bench report bench/results/2026-01-31T12-00-00
      the table of an earlier run again, from its samples

Flags:
${flags.join("\n")}

Every setting of the engine is a flag and an environment variable here too (see deno task serve --help), except
${Object.keys(NOT_FOR_BENCH).join(", ")}. The bench has its own defaults for ${
    Object.entries(ENGINE_DEFAULTS).map((entry) => entry.join("=")).join(" and ")
  }.

Ctrl-C stops the run and reports what was measured. Exit codes: 0 done, also when requests failed (the table
counts them); 1 nothing could be measured, or an engine ended; 2 a wrong flag or setting; 130 stopped by Ctrl-C.`;
}

function parseReport(args: readonly string[]): Command {
  const [folder, ...rest] = args;
  if (folder === undefined || folder.startsWith("-") || rest.length > 0) {
    throw new StartupError([
      `report must be given one folder with the results of a run, got ${JSON.stringify(args.join(" "))}`,
    ]);
  }
  return { kind: "report", folder };
}

function tokensOf(args: readonly string[]) {
  const names = [...Object.keys(FLAGS), ...SETTING_NAMES.map((name) => flagOf(name).slice(2))];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

function rawNameOf(token: ReturnType<typeof tokensOf>[number]): string[] {
  return token.kind === "option" ? [token.rawName] : [];
}

/** A running engine is measured as it is, so flags that shape one would be ignored. */
function notWithTarget(rawNames: readonly string[]): string[] {
  const shaping = new Set(["--modes", ...SETTING_NAMES.map(flagOf)]);
  return rawNames
    .filter((rawName) => shaping.has(rawName))
    .map((rawName) => `${rawName} must be left out with --target, which measures an engine as it is`);
}

function notExpected(text: string): string {
  return `bench takes flags, or "report" first and a folder, got ${JSON.stringify(text)}`;
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
