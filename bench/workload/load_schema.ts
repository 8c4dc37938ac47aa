/** The rules for when requests come: closed loops, rates with their spacing, ramps, steps and traces. */
import { z } from "zod";
import type { Arrivals, Load } from "../plan.ts";
import { differing, fields, formOf, kindOf, list, number, positive, value, wholeNumber } from "./fields.ts";
import { MOST_TOKENS } from "./lengths.ts";
import { nameOfLoad, type UnnamedLoad } from "./names.ts";

const MOST_A_SECOND = 100_000;
const TOKENS = wholeNumber(1, MOST_TOKENS);

/** Arrivals that only lack their rate. */
export type Spacing = (rate: number) => Arrivals;

const SPACING_RULE = "poisson, constant, gamma with its cv, or bursts with their size";
const SPACINGS: Readonly<Record<string, z.ZodType<Spacing>>> = {
  gamma: fields({ gamma: fields({ cv: number(0.01, 100) }) })
    .transform(({ gamma: { cv } }) => (rate) => ({ kind: "gamma", rate, cv })),
  bursts: fields({ bursts: fields({ size: wholeNumber(1, 100_000) }) })
    .transform(({ bursts: { size } }) => (rate) => ({ kind: "bursts", rate, size })),
};

export const SPACING: z.ZodType<Spacing> = formOf((given) =>
  given === "poisson" || given === "constant"
    ? z.unknown().transform(() => (rate) => ({ kind: given, rate }))
    : kindOf(given, SPACINGS, SPACING_RULE)
);

const LOADS: Readonly<Record<string, z.ZodType<UnnamedLoad>>> = {
  concurrency: fields({ concurrency: wholeNumber(1, 4096) })
    .transform(({ concurrency }) => ({ kind: "closed", concurrency })),
  rate: fields({ rate: positive(MOST_A_SECOND), arrivals: SPACING.optional() })
    .transform(({ rate, arrivals }) => ({
      kind: "open",
      arrivals: arrivals?.(rate) ?? { kind: "poisson", rate },
    })),
  ramp: fields({
    ramp: fields({ from: number(0, MOST_A_SECOND), to: number(0, MOST_A_SECOND) })
      .superRefine(({ from, to }, ctx) => someAboveZero([from, to], ctx)),
  }).transform(({ ramp }) => ({ kind: "open", arrivals: { kind: "ramp", ...ramp } })),
  steps: fields({ steps: list(number(0, MOST_A_SECOND), "rates").superRefine(someAboveZero) })
    .transform(({ steps }) => ({ kind: "open", arrivals: { kind: "steps", rates: steps } })),
  trace: fields({
    trace: value<string>(
      "a path or the name of a shipped trace",
      (given) => typeof given === "string" && /\S/.test(given),
    ),
    speed: number(0.001, MOST_A_SECOND).default(1),
    maxPromptTokens: TOKENS.optional(),
    maxOutputTokens: TOKENS.optional(),
  }).transform(({ trace, speed, maxPromptTokens, maxOutputTokens }) => ({
    kind: "open",
    arrivals: {
      kind: "trace",
      file: trace,
      speed,
      ...(maxPromptTokens === undefined ? {} : { maxPromptTokens }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    },
  })),
};

const LOAD: z.ZodType<Load> = formOf((given) =>
  kindOf(given, LOADS, `a mapping with one of ${Object.keys(LOADS).join(", ")}`)
).transform((load) => ({ ...load, name: nameOfLoad(load) }));

export const LOAD_LIST = list(LOAD, "loads").superRefine(differing);

function someAboveZero(rates: readonly number[], ctx: z.RefinementCtx): void {
  if (rates.every((rate) => rate === 0)) {
    ctx.addIssue({ code: "custom", message: "rates of which one at least is above 0" });
  }
}
