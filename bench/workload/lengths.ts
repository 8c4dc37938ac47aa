/** Token counts: a number or a distribution, as files and flags write them, and draws of it. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Lengths } from "../plan.ts";
import type { Syntax } from "./fields.ts";
import { geometric, standardNormal } from "./random.ts";

/** The longest prompt or answer that may be asked for, in tokens. */
export const MOST_TOKENS = 131_072;

/** A number, an even choice from a range, or a distribution that is cut to its range. */
export const LENGTHS: Syntax<Lengths> = {
  rule:
    "a whole number, MIN-MAX, normal:MEAN:SD, lognormal:MEAN:SD or geometric:MEAN, the last three with or without a " +
    `further :MAX, the first two of these also :MIN-MAX, where 1 <= MIN <= MEAN <= MAX <= ${MOST_TOKENS} and SD <= ${MOST_TOKENS}`,
  parse(text) {
    const [kind = "", ...parameters] = text.trim().split(":");
    if (parameters.length === 0) return fixedOrUniform(boundsOf(kind));
    const names = kind === "geometric" ? ["MEAN"] : ["MEAN", "SD"];
    const [mean = NaN, sd = 0] = parameters.slice(0, names.length).map(numberIn);
    const [bounds, ...more] = parameters.slice(names.length);
    const { min = 1, max } = boundsOf(bounds ?? String(MOST_TOKENS));
    const isGood = parameters.length >= names.length && more.length === 0 && min >= 1 && mean >= min &&
      mean <= max && max <= MOST_TOKENS && sd >= 0 && sd <= MOST_TOKENS;
    if (!isGood) return undefined;
    if (kind === "geometric") return min === 1 ? { kind, mean, max } : undefined;
    return kind === "normal" || kind === "lognormal" ? { kind, mean, sd, min, max } : undefined;
  },
};

function fixedOrUniform({ min, max }: Bounds): Lengths | undefined {
  if (!(max >= 1 && max <= MOST_TOKENS)) return undefined;
  if (min === undefined) return { kind: "fixed", tokens: max };
  return min >= 1 && min <= max ? { kind: "uniform", min, max } : undefined;
}

/** NaN where the text has none. */
interface Bounds {
  readonly min: number | undefined;
  readonly max: number;
}

/** Reads `MAX` or `MIN-MAX`. */
function boundsOf(text: string): Bounds {
  const [, min, max] = /^(?:(\d+)-)?(\d+)$/.exec(text) ?? [];
  return { min: min === undefined ? undefined : Number(min), max: Number(max) };
}

function numberIn(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
}

/** A whole number of tokens from 1. A draw outside of `min` and `max` is moved to the nearer of them. */
export function drawLength(lengths: Lengths, random: RandomGenerator): number {
  switch (lengths.kind) {
    case "fixed":
      return lengths.tokens;
    case "uniform":
      return uniformInt(random, lengths.min, lengths.max);
    case "normal":
      return within(lengths, lengths.mean + lengths.sd * standardNormal(random));
    case "lognormal": {
      // Mean and deviation are those of the tokens, not of their logarithm.
      const variance = Math.log(1 + (lengths.sd / lengths.mean) ** 2);
      const mu = Math.log(lengths.mean) - variance / 2;
      return within(lengths, Math.exp(mu + Math.sqrt(variance) * standardNormal(random)));
    }
    case "geometric":
      return within({ min: 1, max: lengths.max }, geometric(lengths.mean, random));
    default:
      return lengths satisfies never;
  }
}

function within({ min, max }: { readonly min: number; readonly max: number }, tokens: number): number {
  return Math.max(1, min, Math.min(max, Math.round(tokens)));
}
