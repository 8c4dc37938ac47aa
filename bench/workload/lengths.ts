/** Token counts: a number or a distribution, as files and flags write them, and draws of it. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { StartupError } from "../../src/core/errors.ts";
import type { Lengths } from "../plan.ts";
import { uniformAboveZero } from "./random.ts";

/** The longest prompt or answer that may be asked for, in tokens. */
export const MOST_TOKENS = 131_072;

const FORMS =
  `a whole number from 1 to ${MOST_TOKENS}, MIN-MAX, normal:MEAN:SD, lognormal:MEAN:SD or geometric:MEAN`;

/**
 * Reads `512`, `128-1024` (each as likely), `normal:MEAN:SD`, `lognormal:MEAN:SD` or `geometric:MEAN`; of the last three,
 * a further `:MAX`, or `:MIN-MAX` of the first two, moves a draw beyond it to it.
 * @returns the rule that it breaks, which completes "FIELD must be ...", in place of lengths
 */
export function lengthsOf(given: unknown): Lengths | string {
  const text = typeof given === "string" || typeof given === "number" ? String(given).trim() : "";
  const [kind = "", ...parameters] = text.split(":");
  const bounds = boundsOf(kind);
  if (bounds && parameters.length === 0) return fixedOrUniform(bounds);
  if (kind !== "normal" && kind !== "lognormal" && kind !== "geometric") return FORMS;
  const names = kind === "geometric" ? ["MEAN"] : ["MEAN", "SD"];
  const isCut = parameters.length > names.length;
  const cut = boundsOf(isCut ? parameters.at(-1)! : String(MOST_TOKENS));
  if (!cut || parameters.length < names.length || parameters.length > names.length + 1) return FORMS;
  if (kind === "geometric" && cut.min !== undefined) return FORMS;
  const { min = 1, max } = cut;
  const [mean = NaN, sd = 0] = parameters.slice(0, names.length).map(numberIn);
  const isGood = isTokens(min) && isTokens(max) && mean >= min && mean <= max && sd >= 0 && sd <= MOST_TOKENS;
  if (isGood) return kind === "geometric" ? { kind, mean, max } : { kind, mean, sd, min, max };
  const [lowest, highest] = [cut.min === undefined ? 1 : "MIN", isCut ? "MAX, which is at most " : ""];
  const form = [kind, ...names, ...isCut ? [cut.min === undefined ? "MAX" : "MIN-MAX"] : []].join(":");
  const deviation = kind === "geometric" ? "" : `${isCut ? "," : ""} and an SD from 0 to ${MOST_TOKENS}`;
  return `${form} with a MEAN from ${lowest} to ${highest}${MOST_TOKENS}${deviation}`;
}

/** @throws {StartupError} */
export function parseLengthsFlag(text: string): Lengths {
  const lengths = lengthsOf(text);
  if (typeof lengths !== "string") return lengths;
  throw new StartupError([`--prompt-tokens must be ${lengths}, got ${JSON.stringify(text)}`]);
}

function fixedOrUniform({ min, max }: Bounds): Lengths | string {
  if (min === undefined) return isTokens(max) ? { kind: "fixed", tokens: max } : FORMS;
  return isTokens(min) && isTokens(max) && min <= max
    ? { kind: "uniform", min, max }
    : `MIN-MAX with 1 <= MIN <= MAX <= ${MOST_TOKENS}`;
}

interface Bounds {
  readonly min?: number;
  readonly max: number;
}

/** `MAX` or `MIN-MAX`. */
function boundsOf(text: string): Bounds | undefined {
  const [, min, max] = /^(?:(\d+)-)?(\d+)$/.exec(text) ?? [];
  if (max === undefined) return undefined;
  return min === undefined ? { max: Number(max) } : { min: Number(min), max: Number(max) };
}

function numberIn(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}

function isTokens(count: number): boolean {
  return Number.isSafeInteger(count) && count >= 1 && count <= MOST_TOKENS;
}

/** A whole number of tokens from 1. A draw outside `min` and `max` is moved to the nearer of them. */
export function drawLength(lengths: Lengths, random: RandomGenerator): number {
  switch (lengths.kind) {
    case "fixed":
      return lengths.tokens;
    case "uniform":
      return uniformInt(random, lengths.min, lengths.max);
    case "normal":
      return within(lengths, lengths.mean + lengths.sd * standardNormal(random));
    case "lognormal": {
      const { mu, sigma } = logParameters(lengths);
      return within(lengths, Math.exp(mu + sigma * standardNormal(random)));
    }
    case "geometric":
      return within({ min: 1, max: lengths.max }, geometric(lengths.mean, random));
    default:
      return lengths satisfies never;
  }
}

/**
 * A normal variate of mean 0 and standard deviation 1, by Box and Muller's transform (Annals of Mathematical
 * Statistics 29, 1958). The second variate of the pair is not used, so every draw takes as many numbers of the stream.
 */
export function standardNormal(random: RandomGenerator): number {
  const radius = Math.sqrt(-2 * Math.log(uniformAboveZero(random)));
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
}

/** Mean and standard deviation of the logarithm, from those of the variate itself. */
function logParameters({ mean, sd }: { readonly mean: number; readonly sd: number }) {
  const variance = Math.log(1 + (sd / mean) ** 2);
  return { mu: Math.log(mean) - variance / 2, sigma: Math.sqrt(variance) };
}

/** Draws from 1, 2, 3, ... with P(more than k) = (1 - 1/mean)^k by the inverse of the distribution function. */
function geometric(mean: number, random: RandomGenerator): number {
  if (mean <= 1) return 1;
  return Math.max(1, Math.ceil(Math.log(uniformAboveZero(random)) / Math.log1p(-1 / mean)));
}

function within({ min, max }: { readonly min: number; readonly max: number }, tokens: number): number {
  return Math.max(1, min, Math.min(max, Math.round(tokens)));
}
