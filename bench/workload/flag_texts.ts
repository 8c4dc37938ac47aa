/** Arrivals and token lengths as a flag's text gives them. */
import { StartupError } from "../../src/errors.ts";
import type { Arrivals, Lengths } from "../plan.ts";

/**
 * `--arrivals poisson|constant|gamma:CV|bursts:SIZE` at `rate` requests a second.
 * @throws {StartupError}
 */
export function parseArrivalsFlag(text: string, rate: number): Arrivals {
  if (text === "poisson" || text === "constant") return { kind: text, rate };
  throw new StartupError([`--arrivals must be poisson, constant, gamma:CV or bursts:SIZE, got "${text}"`]);
}

/**
 * `--prompt-tokens 512`, `128-1024` (uniform) or `lognormal:MEAN:SD`.
 * @throws {StartupError}
 */
export function parseLengthsFlag(text: string): Lengths {
  throw new StartupError([`--prompt-tokens must be ..., got "${text}"`]);
}
