import { StartupError } from "../core/errors.ts";
import { flagsHelp, readCommandLine } from "../cli/command_line.ts";
import { whole, yes } from "../cli/flag.ts";
import { type Target, TARGET_FLAGS, targetOf } from "./target.ts";

const FLAGS = {
  ...TARGET_FLAGS,
  once: yes(
    "prints what there is now as plain text, and ends; so it does by itself where stdout is no terminal",
  ),
  json: yes("prints each tick (once a second) as a line of JSON; its fields: src/live/feed.ts"),
  count: whole(1, 1_000_000_000, undefined, "with --json: ends after so many lines"),
};

export const TOP_HELP = `Usage: deno task top [FLAGS]

Shows a running engine in the terminal, once a second: its health and worker, rates, queue, percentiles, whether the
batching window pays, the last batches and the requests in flight. q or Ctrl-C ends it.

Examples:
  deno task top
  deno task top --once
  deno task top --json --count 60 | jq -c '[.point.queueDepth, .point.outputTokens]'
      a minute of figures; the first line is the second that has just ended
  OMNISPAN_API_KEY=omk_... deno task top --url https://llm.example:8080 --ca ca.pem
      with API keys it takes the key of an operator

Flags:
${flagsHelp(FLAGS)}

Rates are means of 5 s, percentiles are of what ended in the last 30 s. When the engine goes away, top says so and
connects again by itself. NO_COLOR takes the colours away.
Exit codes: 0 done; 1 the engine refused; 2 a wrong flag; 3 no engine could be reached; 130 stopped by Ctrl-C.`;

export interface TopCommand {
  readonly target: Target;
  readonly shows: "screen" | "once" | "json";
  /** Lines of JSON. */
  readonly count: number;
}

/** @throws {StartupError} with one line for each problem */
export function parseTop(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  hasScreen: boolean,
): TopCommand | "help" {
  const { values, problems, help } = readCommandLine({ name: "top", flags: FLAGS }, args, env);
  if (help) return "help";
  const target = targetOf(values, env, problems);
  const { once, json, count } = values;
  if (count !== undefined && !json) {
    problems.push(`--count must be given with --json, got "${count}" without it`);
  }
  if (count !== undefined && once) problems.push(`--count must be left out with --once, got "${count}"`);
  if (problems.length > 0) throw new StartupError(problems);
  if (json) return { target, shows: "json", count: once ? 1 : count ?? Infinity };
  return { target, shows: once || !hasScreen ? "once" : "screen", count: 1 };
}
