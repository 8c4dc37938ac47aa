import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { environmentOf, planOf } from "./environment.ts";
import type { RunEnvironment } from "../../../bench/record/environment.ts";
import type { Sample } from "../../../bench/record/sample.ts";
import { sampleOf } from "./sample.ts";
import type { Side } from "../../../bench/compare/cells.ts";

/** One closed-loop client's rounds, made by hand. */
export interface Made {
  readonly seed: number;
  /** @default "direct" */
  readonly variant?: string;
  /** @default 8 */
  readonly rounds?: number;
  /** In each round. @default 25 */
  readonly requests?: number;
  /** How many times as long as about 100 ms each answer takes. @default 1 */
  readonly slower?: (round: number, index: number) => number;
  /** When the first round begins; the next begins `ROUND_EVERY_MS` later. @default 0 */
  readonly startMs?: number;
  /** The share of requests that fail. @default 0 */
  readonly failing?: number;
}

export const ROUND_EVERY_MS = 100_000;

/** Latencies spread by about a fifth, independent of each other; half of each is time to first token. */
export function samplesOf(made: Made): Sample[] {
  const { seed, variant = "direct", rounds = 8, requests = 25 } = made;
  const { slower = () => 1, startMs = 0, failing = 0 } = made;
  const random = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(random);
  return Array.from({ length: rounds }, (_, round) => {
    let now = startMs + round * ROUND_EVERY_MS;
    return Array.from({ length: requests }, (_, index) => {
      const e2eMs = 100 * slower(round, index) * (0.7 + 0.2 * (uniform() + uniform() + uniform()));
      const failed = uniform() < failing;
      const intendedAt = now;
      now += e2eMs;
      return sampleOf({
        variant,
        round,
        index,
        intendedAt,
        sentAt: intendedAt,
        endedAt: now,
        outputTokens: failed ? 0 : 11,
        firstTextMs: failed ? null : e2eMs / 2,
        arrivals: failed ? null : Array.from({ length: 11 }, (_, at) => [e2eMs * (10 + at) / 20, 1] as const),
        ...(failed ? { outcome: "failed", status: "UNAVAILABLE", errorMessage: "gone" } : {}),
      });
    });
  }).flat();
}

export function sideOf(name: string, made: Made, told: Partial<RunEnvironment> = {}): Side {
  const { variant = "direct" } = made;
  const variants = [{ name: variant, mode: "direct" as const, settings: {} }];
  return {
    name,
    environment: environmentOf({ plan: planOf({ variants }), ...told }),
    samples: samplesOf(made),
  };
}
