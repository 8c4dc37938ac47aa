/** The rules of a whole workload file. */
import { z } from "zod";
import { SETTINGS, type Settings } from "../../src/config/config.ts";
import { type Mode, MODES } from "../../src/core/modes/modes.ts";
import type { Slo, Variant } from "../plan.ts";
import { differing, fields, formOf, isMapping, list, time, value, wholeNumber, yesOrNo } from "./fields.ts";
import { LOAD_LIST } from "./load_schema.ts";
import { CLASSES } from "./mix_schema.ts";
import { nameOfVariant } from "./names.ts";
import { VARIANT_SETTINGS } from "./variant_settings.ts";

const SETTINGS_GIVEN: z.ZodType<Partial<Settings>> = formOf((given) =>
  isMapping(given)
    ? fields(Object.fromEntries(VARIANT_SETTINGS.map((name) => [name, settingOf(name)]))).partial()
    : "a mapping of the engine's settings to their values"
);

const VARIANT: z.ZodType<Variant> = fields({
  mode: value<Mode>(`one of ${MODES.join(", ")}`, (given) => MODES.some((mode) => mode === given)),
  settings: SETTINGS_GIVEN.default({}),
}).transform((variant) => ({ ...variant, name: nameOfVariant(variant) }));

const SLO: z.ZodType<Slo> = fields({ ttft: time(0), tpot: time(0), e2e: time(0) }).partial()
  .transform(({ ttft, tpot, e2e }) => ({
    ...(ttft === undefined ? {} : { ttftMs: ttft }),
    ...(tpot === undefined ? {} : { tpotMs: tpot }),
    ...(e2e === undefined ? {} : { e2eMs: e2e }),
  }));

export const WORKLOAD = fields({
  seed: wholeNumber(0, 2 ** 31 - 1).optional(),
  rounds: wholeNumber(1, 1000).optional(),
  requests: wholeNumber(1, 10_000_000).optional(),
  duration: time(1000).optional(),
  stream: yesOrNo().optional(),
  timeout: time(1).optional(),
  slo: SLO.optional(),
  classes: CLASSES.optional(),
  loads: LOAD_LIST.optional(),
  variants: list(VARIANT, "variants").superRefine(differing).optional(),
});

function settingOf(name: (typeof VARIANT_SETTINGS)[number]) {
  const { rule, parse } = SETTINGS[name];
  return z.unknown().transform((given, ctx) => {
    const parsed = typeof given === "object" ? undefined : parse(String(given));
    if (parsed === undefined) ctx.addIssue({ code: "custom", message: rule });
    return parsed;
  });
}
