/** The rules for what is asked: token counts, prompts and classes of requests. */
import { z } from "zod";
import type { Lengths, PromptSource, RequestClass } from "../plan.ts";
import {
  differing,
  fields,
  formOf,
  isMapping,
  kindOf,
  list,
  number,
  positive,
  value,
  wholeNumber,
  yesOrNo,
} from "./fields.ts";
import { MOST_TOKENS } from "./lengths.ts";
import { DEFAULT_TENANT } from "./requests.ts";

const TOKENS = wholeNumber(1, MOST_TOKENS);
const WEIGHT = positive(1_000_000);

const spread = fields({
  mean: number(1, MOST_TOKENS),
  sd: number(0, MOST_TOKENS),
  min: TOKENS.default(1),
  max: TOKENS.default(MOST_TOKENS),
}).superRefine(maxAboveMin).superRefine(meanBetween);

const DISTRIBUTIONS: Readonly<Record<string, z.ZodType<Lengths>>> = {
  uniform: fields({ uniform: fields({ min: TOKENS, max: TOKENS }).superRefine(maxAboveMin) })
    .transform(({ uniform }) => ({ kind: "uniform", ...uniform })),
  normal: fields({ normal: spread }).transform(({ normal }) => ({ kind: "normal", ...normal })),
  lognormal: fields({ lognormal: spread })
    .transform(({ lognormal }) => ({ kind: "lognormal", ...lognormal })),
  geometric: fields({
    geometric: fields({ mean: number(1, MOST_TOKENS), max: TOKENS.default(MOST_TOKENS) })
      .superRefine(({ mean, max }, ctx) => meanBetween({ mean, min: 1, max }, ctx)),
  }).transform(({ geometric }) => ({ kind: "geometric", ...geometric })),
};
const LENGTHS_RULE =
  `a whole number from 1 to ${MOST_TOKENS}, or uniform, normal, lognormal or geometric with its parameters`;

/** `64`, or a distribution by its name. */
export const LENGTHS: z.ZodType<Lengths> = formOf((given) =>
  isMapping(given)
    ? kindOf(given, DISTRIBUTIONS, LENGTHS_RULE)
    : TOKENS.safeParse(given).success
    ? TOKENS.transform((tokens) => ({ kind: "fixed", tokens }))
    : LENGTHS_RULE
);

const SYNTHETIC: z.ZodType<PromptSource> = fields({
  tokens: LENGTHS,
  sharedPrefix: wholeNumber(0, MOST_TOKENS).default(0),
  prefixes: wholeNumber(1, 1_000_000).default(1),
}).superRefine(({ tokens, sharedPrefix, prefixes }, ctx) => {
  const longest = tokens.kind === "fixed" ? tokens.tokens : tokens.max;
  if (sharedPrefix >= longest) {
    const message = `less than the longest prompt's tokens (${longest})`;
    ctx.addIssue({ code: "custom", path: ["sharedPrefix"], message });
  }
  if (prefixes > 1 && sharedPrefix === 0) {
    ctx.addIssue({ code: "custom", path: ["prefixes"], message: "left out where there is no sharedPrefix" });
  }
}).transform(({ tokens, sharedPrefix, prefixes }) => ({
  kind: "tokens",
  length: tokens,
  sharedPrefix,
  prefixes,
}));

const PROMPT: z.ZodType<PromptSource> = formOf((given) => {
  if (given === "natural") return z.unknown().transform(() => ({ kind: "natural" }));
  return isMapping(given) ? SYNTHETIC : "natural, or a mapping with tokens";
});

const TENANTS: z.ZodType<RequestClass["tenants"]> = formOf((given) =>
  isMapping(given) && Object.keys(given).length > 0
    ? z.record(z.string(), WEIGHT).transform((weights) =>
      Object.entries(weights).map(([name, weight]) => ({ name, weight }))
    )
    : "a mapping of at least one tenant's name to its weight"
);

const CLASS: z.ZodType<RequestClass> = fields({
  name: value<string>(
    "a text of 1 to 64 characters",
    (given) => typeof given === "string" && /\S/.test(given) && given.length <= 64,
  ),
  weight: WEIGHT.default(1),
  prompt: PROMPT.default({ kind: "natural" }),
  output: LENGTHS,
  exactOutput: yesOrNo().default(false),
  tenants: TENANTS.default([DEFAULT_TENANT]),
});

export const CLASSES = list(CLASS, "classes").superRefine(differing);

function maxAboveMin(
  { min, max }: { readonly min: number; readonly max: number },
  ctx: z.RefinementCtx,
): void {
  if (max < min) {
    ctx.addIssue({ code: "custom", path: ["max"], message: `a whole number from min (${min}) on` });
  }
}

function meanBetween(
  { mean, min, max }: { readonly mean: number; readonly min: number; readonly max: number },
  ctx: z.RefinementCtx,
): void {
  if (min <= max && (mean < min || mean > max)) {
    ctx.addIssue({ code: "custom", path: ["mean"], message: `a number from min (${min}) to max (${max})` });
  }
}
