import { StartupError } from "../core/errors.ts";
import { type Mode, MODES } from "../core/modes/modes.ts";
import { flagsHelp, readCommandLine } from "../cli/command_line.ts";
import { decimal, oneOf, text, texts, whole, yes } from "../cli/flag.ts";
import { type Target, TARGET_FLAGS, targetOf } from "./target.ts";

const FLAGS = {
  ...TARGET_FLAGS,
  model: text("a text that is not empty", /\S/, "the model to ask (default: the first of /v1/models)"),
  system: text("a text that is not empty", /\S/, "the system message, which goes before the prompt"),
  "max-tokens": whole(
    1,
    1_000_000,
    undefined,
    "output tokens at most (default: the engine's DEFAULT_MAX_TOKENS)",
  ),
  temperature: decimal(0, 2, undefined, "0 takes the likeliest token each time (default: the engine's)"),
  "top-p": decimal(0, 1, undefined, "draws among the likeliest tokens that make up this share"),
  seed: whole(0, 2 ** 31 - 1, undefined, "the same seed draws the same tokens"),
  stop: texts("a text that is not empty", /^[^]+$/, "the answer ends before this text"),
  "mode-hint": oneOf(MODES, "schedule this request in another mode than the engine's (MODE_HINTS)"),
  tenant: text(
    "1 to 256 printable ASCII characters",
    /^[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?$/,
    "who asks",
  ),
  timeout: decimal(0.001, 86_400, undefined, "seconds that the whole answer may take (default: no limit)"),
  raw: yes("the prompt goes to the model as it is, without a chat template (/v1/completions)"),
  json: yes("prints one JSON object at the end, and no text before"),
};

export const ASK_HELP = `Usage: deno task ask [FLAGS] PROMPT...      deno task ask [FLAGS] < FILE

Asks a running engine and shows the answer as it comes; one line at the end has its times.

Examples:
  deno task ask "Why is the sky blue?"
      words without quotes are one prompt too
  deno task ask --max-tokens 200 --temperature 0.7 --seed 1 < notes.txt
      without a prompt, or with -, it is read from stdin; a line end at its very end is dropped
  deno task ask --mode-hint micro_batch "Count to five."
      scheduled as if the engine were in this mode
  deno task ask --json "Name a colour." | jq .omnispan.timing
      where the time went; what else is in it: docs/http.md
  OMNISPAN_API_KEY=omk_... deno task ask --url https://llm.example:8080 --ca ca.pem "Hello"

Flags:
${flagsHelp(FLAGS)}

TTFT (from sending to the first text), tokens/s (the tokens after the first) and E2E (to the end) are measured here;
mode, wait and batch are the engine's own figures.
Exit codes: 0 answered; 1 the engine refused or failed; 2 a wrong flag or no prompt; 3 no engine could be reached;
130 stopped by Ctrl-C.`;

const COMMAND = {
  name: "ask",
  flags: FLAGS,
  operands: { least: 0, most: Infinity, rule: "takes the words of a prompt" },
} as const;

/** What was asked for, checked. */
export interface AskCommand {
  readonly target: Target;
  /** The prompt; undefined when it comes from stdin. */
  readonly prompt: string | undefined;
  readonly model: string | undefined;
  readonly system: string | undefined;
  /** Undefined takes the engine's own mode. */
  readonly mode: Mode | undefined;
  readonly tenant: string | undefined;
  readonly timeoutMs: number | undefined;
  /** Fields of the request, named as in OpenAI's API. */
  readonly sampling: Readonly<Record<string, number | readonly string[]>>;
  /** The prompt goes to the model without a chat template. */
  readonly isRaw: boolean;
  readonly json: boolean;
}

/** @throws {StartupError} with one line for each problem */
export function parseAsk(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  stdinIsTerminal: boolean,
): AskCommand | "help" {
  const { values, operands, problems, help } = readCommandLine(COMMAND, args, env);
  if (help) return "help";
  const target = targetOf(values, env, problems);
  const fromStdin = operands.length === 0 || (operands.length === 1 && operands[0] === "-");
  const prompt = fromStdin ? undefined : operands.join(" ");
  if (prompt === undefined && stdinIsTerminal) {
    problems.push('ask must be given a prompt, or one on stdin: deno task ask "Why is the sky blue?"');
  } else if (prompt !== undefined) problems.push(...promptProblems(prompt));
  if (values.raw && values.system !== undefined) {
    problems.push("--system must be left out with --raw, which sends the prompt as it is");
  }
  if (problems.length > 0) throw new StartupError(problems);
  const { "max-tokens": maxTokens, temperature, "top-p": topP, seed, stop, timeout } = values;
  return {
    target,
    prompt,
    model: values.model,
    system: values.system,
    mode: values["mode-hint"],
    tenant: values.tenant,
    timeoutMs: timeout === undefined ? undefined : Math.ceil(timeout * 1000),
    sampling: {
      ...(maxTokens !== undefined && { max_tokens: maxTokens }),
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { top_p: topP }),
      ...(seed !== undefined && { seed }),
      ...(stop.length > 0 && { stop }),
    },
    isRaw: values.raw,
    json: values.json,
  };
}

export function promptProblems(prompt: string): string[] {
  return prompt.trim() === "" ? ["the prompt must be a text that is not empty, got nothing"] : [];
}
