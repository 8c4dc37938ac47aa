/** Arrivals and token counts as flags give them: short texts for what a workload file spells out, under its rules. */
import type { z } from "zod";
import { StartupError } from "../../src/core/errors.ts";
import type { Arrivals, Lengths } from "../plan.ts";
import { SPACING } from "./load_schema.ts";
import { LENGTHS } from "./mix_schema.ts";
import { problemTexts } from "./problem_lines.ts";

/**
 * How the requests of a rate come: `poisson`, `constant`, `gamma:CV` or `bursts:SIZE`.
 * @throws {StartupError}
 */
export function parseArrivalsFlag(text: string, rate: number): Arrivals {
  const [, kind, parameter] = /^(gamma|bursts):([^:]+)$/.exec(text) ?? [];
  if (kind === undefined && text !== "poisson" && text !== "constant") {
    throw new StartupError([
      `--arrivals must be poisson, constant, gamma:CV or bursts:SIZE, got ${JSON.stringify(text)}`,
    ]);
  }
  const given = kind === undefined
    ? text
    : { [kind]: { [kind === "gamma" ? "cv" : "size"]: numberIn(parameter) } };
  return parsed(SPACING, given, "--arrivals")(rate);
}

/**
 * `512`, `128-1024` (each as likely), `normal:MEAN:SD`, `lognormal:MEAN:SD` or `geometric:MEAN`; of the last three, a
 * further `:MAX` cuts what is longer.
 * @throws {StartupError}
 */
export function parseLengthsFlag(text: string): Lengths {
  return parsed(LENGTHS, lengthsIn(text), "--prompt-tokens");
}

function lengthsIn(text: string): unknown {
  if (/^\d+$/.test(text)) return Number(text);
  const [, min, most] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (min !== undefined) return { uniform: { min: Number(min), max: Number(most) } };
  const [kind = "", ...parameters] = text.split(":");
  const names = kind === "geometric" ? ["mean", "max"] : ["mean", "sd", "max"];
  const needed = names.length - 1;
  const known = ["normal", "lognormal", "geometric"].includes(kind);
  if (!known || parameters.length < needed || parameters.length > names.length) {
    throw new StartupError([
      "--prompt-tokens must be a whole number, MIN-MAX, normal:MEAN:SD, lognormal:MEAN:SD or geometric:MEAN, " +
      `got ${JSON.stringify(text)}`,
    ]);
  }
  return { [kind]: Object.fromEntries(parameters.map((parameter, at) => [names[at], numberIn(parameter)])) };
}

/** A number, or the text that is none, which the schema refuses by its rule. */
function numberIn(text: string | undefined): number | string {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text ?? "";
}

function parsed<T>(schema: z.ZodType<T>, given: unknown, flag: string): T {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const texts = problemTexts(read.error, given, "");
  throw new StartupError(texts.map(({ text }) => `${flag} ${text.trim()}`));
}
