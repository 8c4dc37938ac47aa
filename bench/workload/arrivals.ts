/** When requests come: arrivals as files and flags write them, and the instants of an open loop, drawn before it starts. */
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { StartupError } from "../../src/core/errors.ts";
import type { Millis } from "../../src/core/types.ts";
import type { Arrivals, TurnLimits } from "../plan.ts";
import { standardNormal } from "./lengths.ts";
import { randomStream, uniformAboveZero } from "./random.ts";
import { readTrace } from "./trace.ts";

/** Arrivals that only lack their rate. */
export type Spacing = (rate: number) => Arrivals;

/**
 * Reads how the requests of a rate come: `poisson`, `constant`, `gamma:CV` or `bursts:SIZE`.
 * @returns the rule that it breaks, which completes "FIELD must be ...", in place of a spacing
 */
export function spacingOf(given: unknown): Spacing | string {
  if (given === "poisson" || given === "constant") return (rate) => ({ kind: given, rate });
  const [, kind, text] = /^(gamma|bursts):(\d+(?:\.\d+)?)$/.exec(String(given)) ?? [];
  const parameter = Number(text);
  if (kind === "gamma") {
    const isCv = parameter >= 0.01 && parameter <= 100;
    return isCv ? (rate) => ({ kind, rate, cv: parameter }) : "gamma:CV with a CV from 0.01 to 100";
  }
  if (kind !== "bursts") return "poisson, constant, gamma:CV or bursts:SIZE";
  const isSize = Number.isSafeInteger(parameter) && parameter >= 1 && parameter <= 100_000;
  return isSize
    ? (rate) => ({ kind, rate, size: parameter })
    : "bursts:SIZE with a SIZE that is a whole number from 1 to 100000";
}

/** @throws {StartupError} */
export function parseArrivalsFlag(text: string, rate: number): Arrivals {
  const spacing = spacingOf(text);
  if (typeof spacing !== "string") return spacing(rate);
  throw new StartupError([`--arrivals must be ${spacing}, got ${JSON.stringify(text)}`]);
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

/** Draws an exponential variate of mean 1 by the inverse of its distribution function. */
function exponential(random: RandomGenerator): number {
  return -Math.log(uniformAboveZero(random));
}

/**
 * A gamma variate of scale 1, so its mean is its shape: Marsaglia and Tsang, "A simple method for generating gamma
 * variables", ACM Transactions on Mathematical Software 26(3), 2000; shapes below 1 as in its section 6.
 */
export function gamma(shape: number, random: RandomGenerator): number {
  if (shape < 1) return gamma(shape + 1, random) * uniformAboveZero(random) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = standardNormal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(uniformAboveZero(random)) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
