import { parseSettings } from "../../src/config/parse.ts";
import type { CoreLimits } from "../../src/core/events.ts";
import { modeOf, MODES } from "../../src/core/modes/modes.ts";
import type { CoreSettings } from "./production_core.ts";
import type { Millis } from "../../src/core/types.ts";
import { Random } from "./random.ts";

/** Everything that can go wrong; each run has its own selection. */
export const FAULTS = [
  // of clients
  "cancels",
  "deadlines",
  "storms",
  // of the worker and the way to it
  "crash",
  "hang",
  "slow",
  "drain",
  "long_absence",
  "slow_start",
  "failures",
  "poison",
  "long_prefill",
  // of what the worker says
  "lost_delta",
  "doubled_delta",
  "late_delta",
  "misaddressed_delta",
  "lost_result",
  "doubled_result",
  "misaddressed_result",
  "stray",
  // of the engine's own machine
  "late_wake",
  "stall",
  "clock_forward",
  "clock_back",
  "clock_skew",
  "long_turns",
  "thread_restart",
] as const;
export type Fault = (typeof FAULTS)[number];

/** One run's settings, traffic, worker and faults. */
export interface Scenario {
  readonly seed: number;
  /** After these nothing arrives and nothing more goes wrong. */
  readonly requests: number;
  readonly mode: CoreSettings;
  readonly limits: CoreLimits;
  readonly traffic: Traffic;
  /** By their ids. */
  readonly workers: readonly WorkerTraits[];
  readonly faults: ReadonlySet<Fault>;
  /** Of each message that can be hurt by a fault of this run. */
  readonly messageFaultRate: number;
  /** One prompt in so many ends the worker that runs it, each time. */
  readonly poisonEvery: number;
  /** Between two faults of the worker, of the machine. */
  readonly faultGapMs: Millis;
}

export interface Traffic {
  readonly gapMs: Millis;
  readonly burstChance: number;
  readonly burstMost: number;
  readonly streamChance: number;
  readonly tokensMost: number;
  readonly bytesMost: number;
  readonly cancelChance: number;
  readonly deadlineChance: number;
  /** Of a request that asks for a mode. */
  readonly hintChance: number;
}

export interface WorkerTraits {
  readonly kind: "session" | "fixed_rpcs";
  readonly maxRows: number;
  readonly stepMs: Millis;
  readonly tokensPerStep: number;
  readonly hopMs: Millis;
  /** A session without news for so long is given up. */
  readonly silenceMs: Millis;
}

export interface Choices {
  /** @default as the seed decides */
  readonly requests?: number | undefined;
  /** Faults that this run does without. */
  readonly without?: readonly Fault[];
}

/** What the seed decides. Rare combinations come up because each run draws all its settings and faults anew. */
export function scenarioOf(seed: number, { requests, without = [] }: Choices = {}): Scenario {
  const random = new Random(seed, "scenario");
  const size = random.pick([40, 200, 500, 1000, 1000, 2000, 4000]);
  const stepMs = random.pick([0.5, 2, 10, 25]);
  const hints = new Random(seed, "mode hints");
  const traffic: Traffic = {
    gapMs: 0,
    burstChance: random.pick([0, 0.02, 0.2]),
    burstMost: random.pick([3, 20, 60]),
    streamChance: random.pick([0, 0.3, 0.7, 1]),
    tokensMost: random.pick([1, 4, 12, 30]),
    bytesMost: random.pick([1, 100, 5000]),
    cancelChance: random.pick([0.02, 0.1, 0.4]),
    deadlineChance: random.pick([0.05, 0.3, 0.9]),
    hintChance: hints.pick([0, 0, 0, 0, 0.05, 0.5]),
  };
  const mode = drawMode(random);
  const count = new Random(seed, "workers").pick([1, 1, 2, 3, 4]);
  const drawTraits = (): WorkerTraits => ({
    kind: random.pick(["session", "session", "fixed_rpcs"]),
    maxRows: random.pick([1, 4, 8, 32]),
    stepMs,
    tokensPerStep: random.pick([1, 1, 2, 5]),
    hopMs: random.pick([0, 0.25, 2]),
    silenceMs: random.pick([300, 1500, 5000]),
  });
  const workers = Array.from({ length: count }, drawTraits);
  const meanBurst = 1 + traffic.burstChance * traffic.burstMost / 2;
  const gapMs = meanBurst * serviceGapMs(mode, workers, traffic) / random.pick([0.2, 0.5, 0.8, 0.95, 2]);
  const faultGapMs = gapMs * random.pick([8, 40, 200]) + 5;
  const prefill = new Random(seed, "long prefill");
  const queueCapacity = random.pick([1, 10, 50, 200, 1024, 1024]);
  const queueBytes = traffic.bytesMost * random.pick([1, 3, 40, 1000]);
  const workerTimeoutMs = random.pick([300, 2000, 30_000]);
  const limits: CoreLimits = {
    queueCapacity,
    queueBytes,
    workerTimeoutMs,
    rowTimeoutMs: workerTimeoutMs * prefill.pick([1, 2, 20]),
    workerWaitMs: random.pick([0, Math.ceil(faultGapMs), Math.ceil(10 * faultGapMs), 20_000]),
    maxAttempts: random.int(1, 4),
    // Where requests hint more often: what two lanes know of their answers seldom leads to two decisions.
    refuseLate: random.chance(0.3) || (traffic.hintChance > 0 && hints.chance(0.6)),
  };
  const faultChance = random.pick([0, 0.15, 0.35, 0.6]);
  const poison = new Random(seed, "poison");
  const drawn = FAULTS.filter((fault) =>
    fault === "poison"
      ? poison.chance(0.3)
      : fault === "long_prefill"
      ? prefill.chance(faultChance)
      : random.chance(fault === "thread_restart" ? faultChance / 3 : faultChance)
  );
  const messageFaultRate = random.pick([0.001, 0.01, 0.1]);
  return {
    seed,
    requests: requests ?? size,
    mode,
    limits,
    traffic: { ...traffic, gapMs },
    workers,
    faults: new Set(drawn.filter((fault) => !without.includes(fault))),
    messageFaultRate,
    poisonEvery: poison.pick([7, 50, 300]),
    faultGapMs,
  };
}

/** About how often the busy workers end a request. */
function serviceGapMs(mode: CoreSettings, workers: readonly WorkerTraits[], traffic: Traffic): Millis {
  const { maxRunning = Infinity, maxStreams, maxGroup, maxGroups } = modeOf(mode.ENGINE_MODE).law(mode);
  const most = maxStreams === undefined
    ? Math.min(maxRunning, maxGroup === 1 ? Infinity : maxGroup * maxGroups)
    : placesOfTwoKinds(maxRunning, maxStreams, traffic.streamChance);
  let perMs = 0;
  for (const { stepMs, tokensPerStep, maxRows } of workers) {
    perMs += Math.min(maxRows, most) / (stepMs * (1 + traffic.tokensMost / 2 / tokensPerStep));
  }
  return 1 / perMs;
}

/** First in, first out: the kind with the fewer places for its share of the requests holds up the other. */
function placesOfTwoKinds(others: number, streams: number, streamShare: number): number {
  return Math.min(others / (1 - streamShare), streams / streamShare);
}

function drawMode(random: Random): CoreSettings {
  return {
    ...parseSettings([], {}).settings,
    ENGINE_MODE: random.pick(MODES),
    QUEUED_CONCURRENCY: random.pick([1, 1, 2, 7]),
    MAX_CONCURRENT_STREAMS: random.pick([0, 1, 3, 16]),
    BATCH_WINDOW_MS: random.pick([0, 1, 10, 50]),
    MAX_BATCH_SIZE: random.pick([1, 2, 4, 16]),
    BATCHES_IN_FLIGHT: random.pick([1, 1, 2, 4]),
    BATCH_WHEN_IDLE: random.chance(0.3),
  };
}
