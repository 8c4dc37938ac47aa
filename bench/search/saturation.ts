/**
 * The search for the highest rate that an engine keeps up with. It decides only: trials come in as a list, and the next
 * step goes out. No clock, no randomness, no engine.
 */

/** What a trial at one rate has shown. Rates are requests a second. */
export interface Trial {
  readonly rate: number;
  /** `generator`: not kept, but the load generator was late, so it says nothing of the engine. `too_short`: kept, but
   * perhaps only while the engine filled up, so it is repeated for longer. */
  readonly outcome: "kept" | "not_kept" | "generator" | "too_short";
  /** Successful answers a second while more came than left: about the capacity. Null where it was not overloaded. */
  readonly overloadedRate: number | null;
}

export interface SaturationLimits {
  /** The first rate to try. */
  readonly startRate: number;
  /** The highest kept and the lowest not kept rate are at most so far apart. @default 0.05 */
  readonly tolerance?: number;
  /** The most trials, without those that were too short. @default 12 */
  readonly mostTrials?: number;
  /** No trial is above it. @default 100000 */
  readonly highestRate?: number;
}

export interface Saturation {
  /** The border lies between them. Null: no such rate was found. */
  readonly kept: number | null;
  readonly notKept: number | null;
  /** The interval is as narrow as asked, and a second trial near each of its ends said the same. */
  readonly confirmed: boolean;
  /** What ended the search or stands above `kept`. */
  readonly limit: "engine" | "generator" | "trials" | "highest_rate";
}

export type Step =
  | {
    readonly kind: "trial";
    readonly rate: number;
    readonly purpose: "growth" | "narrowing" | "confirmation" | "longer";
  }
  | { readonly kind: "done"; readonly answer: Saturation };

const GROWTH = 1.6;
/** A search downwards gives up this far below the start. */
const LOWEST_SHARE = 1 / 100;
/** Late twice is no chance. */
const MOST_LATE_TRIALS = 2;

/**
 * Up by 1.6, then by 2.56 at a time (down likewise) until one trial is kept and one is not; then between the two,
 * beside the rate at which an overloaded engine answered where that lies between them, else at the geometric mean; then a
 * second trial at each end of the interval. A trial that contradicts an earlier one moves the border, and the search goes
 * on from there.
 */
export function nextStep(trials: readonly Trial[], limits: SaturationLimits): Step {
  const { startRate, tolerance = 0.05, mostTrials = 12, highestRate = 100_000 } = limits;
  const { kept, notKept } = borderOf(trials);
  const done = (limit: Saturation["limit"], confirmed = false): Step => ({
    kind: "done",
    answer: { kept, notKept, confirmed, limit },
  });
  const last = trials.at(-1);
  const late = trials.filter(({ outcome }) => outcome === "generator");
  if (late.length >= MOST_LATE_TRIALS) return done("generator");
  if (last?.outcome === "too_short") return trial(last.rate, "longer");
  const counting = trials.filter(({ outcome }) => outcome !== "too_short");
  if (last && counting.length >= mostTrials) return done("trials");
  if (last?.outcome === "generator") return trial(last.rate, "confirmation");
  if (kept === null && notKept === null) return trial(Math.min(startRate, highestRate), "growth");
  if (notKept === null) {
    if (kept! >= highestRate) return done("highest_rate");
    return trial(Math.min(kept! * growth(trials, "kept"), highestRate), "growth");
  }
  const answered = overloadedRateAt(trials, notKept);
  if (kept === null) {
    const lower = notKept / growth(trials, "not_kept");
    if (lower < startRate * LOWEST_SHARE) return done("engine");
    const besideAnswered = (answered ?? Infinity) / (1 + tolerance);
    return trial(besideAnswered < notKept * 0.95 ? besideAnswered : lower, "growth");
  }
  if (notKept > kept * (1 + tolerance) * (1 + ROUNDING)) {
    return trial(between(kept, notKept, answered, tolerance), "narrowing");
  }
  const near = (outcome: Trial["outcome"], from: number, to: number) =>
    trials.filter((trial) => trial.outcome === outcome && trial.rate >= from && trial.rate <= to).length;
  if (near("kept", kept / (1 + tolerance), kept) < 2) return trial(kept, "confirmation");
  if (near("not_kept", notKept, notKept * (1 + tolerance)) < 2) return trial(notKept, "confirmation");
  return done("engine", true);
}

/**
 * The border that the fewest trials contradict, of those that tell of the engine; of several such the lowest. `kept` is the
 * highest kept rate below it and `notKept` the lowest not kept one above it.
 */
export function borderOf(trials: readonly Trial[]): Pick<Saturation, "kept" | "notKept"> {
  const judged = trials.filter(({ outcome }) => outcome === "kept" || outcome === "not_kept");
  const contradicting = (border: number) =>
    judged.filter(({ rate, outcome }) => (outcome === "kept") !== (rate <= border)).length;
  const borders = [0, ...judged.map(({ rate }) => rate)].sort((a, b) => a - b);
  const border = borders.reduce((best, one) => contradicting(one) < contradicting(best) ? one : best, 0);
  const rates = (outcome: Trial["outcome"]) =>
    judged.filter((one) => one.outcome === outcome).map(({ rate }) => rate);
  const below = rates("kept").filter((rate) => rate <= border);
  const above = rates("not_kept").filter((rate) => rate > border);
  return {
    kept: below.length === 0 ? null : Math.max(...below),
    notKept: above.length === 0 ? null : Math.min(...above),
  };
}

/** The mean over the overloaded trials at this rate. */
function overloadedRateAt(trials: readonly Trial[], at: number): number | null {
  const answered = trials.flatMap(({ rate, overloadedRate }) =>
    rate === at && overloadedRate !== null ? [overloadedRate] : []
  );
  return answered.length === 0 ? null : answered.reduce((sum, rate) => sum + rate, 0) / answered.length;
}

function between(kept: number, notKept: number, answered: number | null, tolerance: number): number {
  const half = Math.sqrt(1 + tolerance);
  const inside = (rate: number) => rate > kept * (1 + ROUNDING) && rate < notKept / (1 + ROUNDING);
  const beside = answered === null ? [] : [answered / half, answered * half].filter(inside);
  return beside[0] ?? Math.sqrt(kept * notKept);
}

/** 1.6 at first, its square when that was not enough. */
function growth(trials: readonly Trial[], outcome: Trial["outcome"]): number {
  const rates = new Set(trials.filter((trial) => trial.outcome === outcome).map(({ rate }) => rate));
  return GROWTH ** Math.min(rates.size, 2);
}

/** Three digits are enough for a rate, and make names that can be read. */
const ROUNDING = 0.005;

function trial(rate: number, purpose: (Step & { kind: "trial" })["purpose"]): Step {
  return { kind: "trial", rate: Number(rate.toPrecision(3)), purpose };
}
