import {
  type Flag,
  type FlagTable,
  type FlagValues as ValuesOf,
  listOf,
  text,
  texts,
  whole,
  yes,
} from "../../src/cli/flag.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";
import type { Lengths } from "../plan.ts";
import { SPACING, type Spacing } from "../workload/arrivals.ts";
import { CLIENTS, RATE, RUN_FIELDS, SPEED } from "../workload/fields.ts";
import { LENGTHS } from "../workload/lengths.ts";

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
    RATE.parse,
  ),
  arrivals: {
    ...SPACING,
    fallback: undefined,
    help: "how the requests of --rate come (default: poisson)",
  } as Flag<Spacing | undefined>,
  trace: text("a path or the name of a shipped trace", /\S/, "open loop: replays a recorded trace"),
  speed: SPEED,
  ...RUN_FIELDS,
  "max-tokens": whole(1, 1_000_000, 48, "output tokens that each request asks for at most"),
  "prompt-tokens": {
    ...LENGTHS,
    fallback: undefined,
    help: "length of made-up prompts, in tokens (default: 64 natural questions and tasks)",
  } as Flag<Lengths | undefined>,
  "exact-output": yes("every answer has just --max-tokens tokens: the model's own end is ignored"),
  slo: text(
    "limits like ttft=500ms,tpot=50ms,e2e=5s",
    /\S/,
    "what a request must keep to count for goodput",
  ),
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
