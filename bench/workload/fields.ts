/** What workload files and command lines both may say: each range, unit, default and help is here once. */
import { decimal, type Flag, whole } from "../../src/cli/flag.ts";
import { flag, type Setting } from "../../src/core/setting.ts";

/** How a value is written as text. */
export type Syntax<T> = Pick<Setting<T>, "rule" | "parse">;

const UNITS_S: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };
const DAY_S = 86_400;

/** The fields of a run. Times are in seconds. */
export const RUN_FIELDS = {
  requests: whole(
    1,
    10_000_000,
    undefined,
    "requests of each cell, over all rounds (default: see --duration)",
  ),
  duration: time(
    1,
    undefined,
    "time of each cell, over all rounds (default: 45s, closed loops also end after 18 requests for each client, " +
      "at least 48; with --requests: no limit)",
  ),
  rounds: whole(1, 1000, 3, "turns of each cell, in an order drawn anew for each round"),
  stream: flag(true, "clients read the answer token by token, and so see TTFT, TPOT and ITL"),
  seed: whole(0, 2 ** 31 - 1, 1, "the same seed gives the same requests at the same times"),
  timeout: time(0.001, 120, "time after which a request without an answer has failed"),
};

/** Clients of a closed loop. */
export const CLIENTS = whole(1, 4096, undefined, "");
/** Requests a second of an open loop; a ramp or a step may be 0. */
export const RATE_OR_NONE = decimal(0, 100_000, undefined, "");
export const RATE = aboveZero(100_000);
/** How many times as fast as it came a trace is played. */
export const SPEED = decimal(0.001, 100_000, 1, "times as fast as the trace was");

export function aboveZero(most: number): Syntax<number> {
  const { parse } = decimal(0, most, undefined, "");
  return { rule: `a number above 0, at most ${most}`, parse: (text) => parse(text) || undefined };
}

/** A limit on a latency, in milliseconds. Its unit must be written. */
export const LATENCY_LIMIT: Syntax<number> = {
  rule: "a time with its unit, like 500ms, 30s or 2m, up to a day",
  parse(text) {
    const seconds = /[a-z]$/.test(text) ? secondsIn(text) : undefined;
    return seconds === undefined ? undefined : 1000 * seconds;
  },
};

/** A time in seconds, with its unit or without. */
function time<T extends number | undefined>(least: number, fallback: T, help: string): Flag<number | T> {
  return {
    fallback,
    help,
    rule: `a time like 90, 90s or 2m, from ${least < 1 ? `${1000 * least} ms` : `${least} s`} to 1 day`,
    parse(text) {
      const seconds = secondsIn(text);
      return seconds !== undefined && seconds >= least ? seconds : undefined;
    },
  };
}

function secondsIn(text: string): number | undefined {
  const [, digits, unit = "s"] = /^(\d{1,9}(?:\.\d{1,6})?) ?(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const seconds = Number(digits) * UNITS_S[unit]!;
  return seconds <= DAY_S ? seconds : undefined;
}
