import {
  decimal,
  type Flag,
  type FlagTable,
  type FlagValues as ValuesOf,
  listOf,
  text,
  texts,
  whole,
  yes,
} from "../../src/cli/flag.ts";
import { flag } from "../../src/core/setting.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";

const CLIENTS = whole(1, 4096, undefined, "");
const RATE = decimal(0, 100_000, undefined, "");

/** The bench's own flags; the engine's settings are flags too, see `command.ts`. */
export const FLAGS = {
  workload: text(
    "a path",
    /\S/,
    "a workload file, YAML or JSON (docs/workloads.md); other flags go before it",
  ),
  modes: listOf<Mode>(
    MODES,
    `one or more of ${MODES.join(", ")}`,
    "modes to measure side by side",
    (text) => MODES.find((mode) => mode === text),
  ),
  variant: texts(
    "MODE,SETTING=VALUE,...",
    /^[a-z_]+(,[A-Z_]+=[^,]+)*$/,
    "one way to run the engine, beside others; instead of --modes",
  ),
  vary: texts(
    "SETTING=VALUE,VALUE,...",
    /^[A-Z_]+=[^,]+(,[^,]+)*$/,
    "values of an engine setting to try in every mode that it shapes; of several all combinations",
  ),
  concurrency: listOf(
    [1, 8, 32],
    "whole numbers from 1 to 4096",
    "closed loop: clients that each wait for an answer before they ask again",
    CLIENTS.parse,
  ),
  rate: listOf<number>(
    [],
    "numbers above 0 up to 100000",
    "open loop: requests a second that come whatever becomes of them; instead of --concurrency",
    (text) => RATE.parse(text) || undefined,
  ),
  arrivals: text(
    "constant, poisson, gamma:CV or bursts:SIZE",
    /\S/,
    "how the requests of --rate come (default: poisson)",
  ),
  trace: text("a path or the name of a shipped trace", /\S/, "open loop: replays a recorded trace"),
  speed: decimal(0.001, 100_000, 1, "times as fast as the trace was"),
  requests: whole(
    1,
    10_000_000,
    undefined,
    "requests of each cell, over all rounds (default: see --duration)",
  ),
  duration: {
    fallback: undefined,
    help:
      "time of each cell, over all rounds (default: 45s, closed loops also end after 18 requests for each client, " +
      "at least 48; with --requests: no limit)",
    rule: "a time like 90, 90s or 2m, from 1 s to 1 day",
    parse: seconds,
  } as Flag<number | undefined>,
  rounds: whole(1, 1000, 3, "turns of each cell, in an order drawn anew for each round"),
  "max-tokens": whole(1, 1_000_000, 48, "output tokens that each request asks for at most"),
  "prompt-tokens": text(
    "a number, MIN-MAX, normal:MEAN:SD, lognormal:MEAN:SD or geometric:MEAN",
    /\S/,
    "length of made-up prompts, in tokens (default: 64 natural questions and tasks)",
  ),
  "exact-output": yes("every answer has just --max-tokens tokens: the model's own end is ignored"),
  stream: flag(true, "clients read the answer token by token, and so see TTFT, TPOT and ITL"),
  slo: text(
    "limits like ttft=500ms,tpot=50ms,e2e=5s",
    /\S/,
    "what a request must keep to count for goodput",
  ),
  seed: whole(0, 2 ** 31 - 1, 1, "the same seed gives the same requests at the same times"),
  timeout: whole(1, 86_400, 120, "seconds after which a request without an answer has failed"),
  target: text(
    "HOST:PORT",
    /^(\[[0-9a-fA-F:.]+\]|[^\s/:@]+):\d{1,5}$/,
    "measure the engine that runs there, in the mode it is in, and start nothing",
  ),
  out: text("a folder", /\S/, "where the results go (default: bench/results/ and the time)"),
  "fail-on": texts(
    "FIGURE>+PERCENT%, FIGURE<-PERCENT%, FIGURE>VALUE or FIGURE<VALUE",
    /\S/,
    "ends with code 3 when the figure got so much worse, and the samples show it",
  ),
  dialects: yes("also scores the run as vLLM bench, GuideLLM, AIPerf and MLPerf would"),
  quick: yes("fewer requests, for a first look"),
} as const satisfies FlagTable;

export type FlagName = keyof typeof FLAGS;
export type FlagValues = ValuesOf<typeof FLAGS>;

export const FLAG_NAMES = Object.keys(FLAGS) as FlagName[];

/** Seconds. */
function seconds(text: string): number | undefined {
  const [, digits, unit = "s"] = /^(\d{1,5}(?:\.\d{1,3})?)(s|m|h)?$/.exec(text) ?? [];
  const value = Number(digits) * { s: 1, m: 60, h: 3600 }[unit as "s" | "m" | "h"];
  return value >= 1 && value <= 86_400 ? value : undefined;
}
