/** Draws of token counts. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Lengths } from "../plan.ts";
import { uniformAboveZero } from "./random.ts";

/** The longest prompt or answer that may be asked for, in tokens. */
export const MOST_TOKENS = 131_072;

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

/** On 1, 2, 3, ... with P(more than k) = (1 - 1/mean)^k: the inverse of the distribution function. */
function geometric(mean: number, random: RandomGenerator): number {
  if (mean <= 1) return 1;
  return Math.max(1, Math.ceil(Math.log(uniformAboveZero(random)) / Math.log1p(-1 / mean)));
}

function within({ min, max }: { readonly min: number; readonly max: number }, tokens: number): number {
  return Math.max(1, min, Math.min(max, Math.round(tokens)));
}
