/** When requests come: arrivals as files and flags write them, and the instants of an open loop, drawn before it starts. */
import { basename } from "node:path";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Millis } from "../../src/core/types.ts";
import type { Arrivals, Load, TurnLimits } from "../plan.ts";
import type { Syntax } from "./fields.ts";
import { exponential, gamma, randomStream, uniformAboveZero } from "./random.ts";
import { readTrace } from "./trace.ts";

/** Arrivals that only lack their rate. */
export type Spacing = (rate: number) => Arrivals;

export const poisson: Spacing = (rate) => ({ kind: "poisson", rate });

/** How the requests of a rate come. */
export const SPACING: Syntax<Spacing> = {
  rule:
    "poisson, constant, gamma:CV with a CV from 0.01 to 100, or bursts:SIZE with a whole SIZE from 1 to 100000",
  parse(text) {
    if (text === "poisson") return poisson;
    if (text === "constant") return (rate) => ({ kind: "constant", rate });
    const [, kind, digits] = /^(gamma|bursts):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
    const parameter = Number(digits);
    if (kind === "gamma" && parameter >= 0.01 && parameter <= 100) {
      return (rate) => ({ kind, rate, cv: parameter });
    }
    const isSize = Number.isSafeInteger(parameter) && parameter >= 1 && parameter <= 100_000;
    return kind === "bursts" && isSize ? (rate) => ({ kind, rate, size: parameter }) : undefined;
  },
};

/** A load before it has its name. */
export type UnnamedLoad =
  | { readonly kind: "closed"; readonly concurrency: number; readonly requests?: number }
  | { readonly kind: "open"; readonly arrivals: Arrivals };

/** Names a load as tables, samples and charts show it: short, for people, unique among what differs. */
export function named(load: UnnamedLoad): Load {
  return { ...load, name: nameOfLoad(load) };
}

/** "8 clients", "4/s poisson", "4/s gamma cv 2", "4/s bursts of 16", "ramp 1-20/s", "steps 1, 5, 20/s", "trace NAME x10". */
function nameOfLoad(load: UnnamedLoad): string {
  if (load.kind === "closed") return load.concurrency === 1 ? "1 client" : `${load.concurrency} clients`;
  const { arrivals } = load;
  switch (arrivals.kind) {
    case "constant":
    case "poisson":
      return `${arrivals.rate}/s ${arrivals.kind}`;
    case "gamma":
      return `${arrivals.rate}/s gamma cv ${arrivals.cv}`;
    case "bursts":
      return `${arrivals.rate}/s bursts of ${arrivals.size}`;
    case "ramp":
      return `ramp ${arrivals.from}-${arrivals.to}/s`;
    case "steps":
      return `steps ${arrivals.rates.join(", ")}/s`;
    case "trace": {
      const { file, speed, maxPromptTokens, maxOutputTokens } = arrivals;
      const cuts = [["prompt", maxPromptTokens], ["output", maxOutputTokens]] as const;
      const shown = cuts.flatMap(([what, most]) => most === undefined ? [] : [`${what}<=${most}`]);
      return [`trace ${basename(file, ".csv")} x${speed}`, ...shown].join(" ");
    }
    default:
      return arrivals satisfies never;
  }
}

/**
 * The instants at which requests are to be sent, ascending from 0 and below `durationMs`; at most `requests` of them.
 * A ramp or steps last as long as the limits let them: `durationMs`, or the time in which `requests` come on average if
 * that is shorter; what is then still missing comes at the last rate.
 * @throws {RangeError} without any limit, {StartupError} when a trace can't be read
 */
export function arrivalTimes(arrivals: Arrivals, limits: TurnLimits, seed: number): Millis[] {
  const { requests, durationMs } = limits;
  if (arrivals.kind !== "trace" && requests === Infinity && durationMs === Infinity) {
    throw new RangeError(`arrivals must have a limit of requests or time, got neither for ${arrivals.kind}`);
  }
  const times: Millis[] = [];
  for (const atMs of instants(arrivals, limits, randomStream(seed, "arrivals"))) {
    if (times.length >= requests || !(atMs < durationMs)) break;
    times.push(atMs);
  }
  return times;
}

/** Requests a second over the whole of the arrivals; of a trace, from its first to its last. */
export function meanRate(arrivals: Arrivals): number {
  switch (arrivals.kind) {
    case "ramp":
      return (arrivals.from + arrivals.to) / 2;
    case "steps":
      return arrivals.rates.reduce((sum, rate) => sum + rate, 0) / arrivals.rates.length;
    case "trace": {
      const rows = readTrace(arrivals.file);
      return arrivals.speed * 1000 * (rows.length - 1) / (rows.at(-1)?.atMs ?? 0);
    }
    default:
      return arrivals.rate;
  }
}

/** Endless but for traces and for rates that end at 0. */
function* instants(arrivals: Arrivals, limits: TurnLimits, random: RandomGenerator): Generator<Millis> {
  switch (arrivals.kind) {
    case "constant":
      for (let index = 0;; index++) yield index * 1000 / arrivals.rate;
    /* falls through */
    case "poisson":
      return yield* renewals(1000 / arrivals.rate, () => exponential(random));
    case "gamma": {
      const shape = 1 / arrivals.cv ** 2;
      const first = uniformAboveZero(random) * gamma(shape + 1, random) / shape;
      return yield* renewals(1000 / arrivals.rate, () => gamma(shape, random) / shape, first);
    }
    case "bursts":
      for (const atMs of renewals(1000 * arrivals.size / arrivals.rate, () => exponential(random))) {
        for (let member = 0; member < arrivals.size; member++) yield atMs;
      }
      return;
    case "ramp":
      return yield* inverted((area) => rampInstant(arrivals, area), horizonMs(arrivals, limits), random);
    case "steps":
      return yield* inverted(
        (area) => stepsInstant(arrivals.rates, area),
        horizonMs(arrivals, limits),
        random,
      );
    case "trace":
      for (const { atMs } of readTrace(arrivals.file)) yield atMs / arrivals.speed;
      return;
    default:
      arrivals satisfies never;
  }
}

/**
 * One instant a gap, after the first gap; `gap` has mean 1. A turn begins at any moment of a process that has long been
 * under way, so `first` is what is left of a gap in which such a moment falls (Cox, "Renewal Theory", 1962, ch. 5): of a
 * gap drawn in proportion to its length, an even share. For exponential gaps that is a gap like others. With a whole
 * gamma gap in its place a turn of n requests would have (cv² - 1) / 2 more.
 */
function* renewals(meanMs: Millis, gap: () => number, first = gap()): Generator<Millis, never> {
  for (let atMs = meanMs * first;; atMs += meanMs * gap()) yield atMs;
}

function horizonMs(arrivals: Arrivals, { requests, durationMs }: TurnLimits): Millis {
  return Math.min(durationMs, 1000 * requests / meanRate(arrivals));
}

/**
 * A Poisson process whose rate changes with time, by inversion of the cumulated rate (Çinlar, Introduction to Stochastic
 * Processes, 1975, ch. 4): unit-rate instants taken through the inverse of it. `instant` is that inverse for a process
 * that lasts from 0 to 1, in requests a unit; Infinity where the rates end at 0.
 */
function* inverted(
  instant: (area: number) => number,
  horizonMs: Millis,
  random: RandomGenerator,
): Generator<Millis> {
  for (const area of renewals(1000 / horizonMs, () => exponential(random))) {
    const at = instant(area);
    if (at === Infinity) return;
    yield at * horizonMs;
  }
}

/** Solves from x + (to - from) x²/2 = area for x, in the form that loses no digits; beyond 1 the rate stays. */
function rampInstant({ from, to }: { readonly from: number; readonly to: number }, area: number): number {
  const whole = (from + to) / 2;
  if (area > whole) return 1 + (area - whole) / to;
  return 2 * area / (from + Math.sqrt(Math.max(0, from ** 2 + 2 * (to - from) * area)));
}

function stepsInstant(rates: readonly number[], area: number): number {
  let below = 0;
  for (const [index, rate] of rates.entries()) {
    const share = rate / rates.length;
    if (area <= below + share && share > 0) return (index + (area - below) / share) / rates.length;
    below += share;
  }
  return 1 + (area - below) / (rates.at(-1) ?? 0);
}
