/**
 * Successive halving (Jamieson & Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization",
 * 2016): all candidates get one short turn, the better half goes on with twice as much, until a few are left for a final in
 * paired rounds. It decides only: standings come in, and who goes on comes out.
 */

/** Score and constraints of a candidate over all its turns so far. */
export interface Standing {
  readonly name: string;
  /** Goodput, with its 95 % interval; NaN ends where the samples don't bound it. */
  readonly score: number;
  readonly low: number;
  readonly high: number;
  /** Whether what is asked of all requests together holds; and that it surely does not, beyond the share's interval. */
  readonly holds: boolean;
  readonly surelyBroken: boolean;
  /** 1: all constraints hold; else the worst share of requests that kept one, over the share that is asked. */
  readonly nearness: number;
}

export interface Dropped {
  readonly name: string;
  /** Counted from 1. */
  readonly stage: number;
  /** `rank` alone: its interval overlapped the best one's, so it may be as good. */
  readonly why: "worse" | "constraint" | "rank";
}

export interface Stage {
  readonly kind: "search" | "final";
  /** Counted from 1. */
  readonly stage: number;
  readonly candidates: readonly string[];
  /** Turns of each candidate, one a round. */
  readonly rounds: number;
  /** Length of each turn, in lengths of the first turn. */
  readonly turnLength: number;
}

export const FINALISTS = 3;
const FINAL_ROUNDS = 4;
/** A single finalist would have been compared with nothing. */
const FEWEST_FINALISTS = 2;

/** What to measure in this stage, when these candidates are left. */
export function stageOf(stage: number, candidates: readonly string[]): Stage {
  const pooled = stage === 1 ? 0 : 2 ** (stage - 2);
  if (candidates.length > FINALISTS) {
    return { kind: "search", stage, candidates, rounds: 1, turnLength: Math.max(1, pooled) };
  }
  return {
    kind: "final",
    stage,
    candidates,
    rounds: FINAL_ROUNDS,
    turnLength: Math.max(1, pooled / FINAL_ROUNDS),
  };
}

/**
 * The better half goes on, but not fewer than three, without those that are worse than the best by more than both
 * intervals; two always do. So does the best of those that hold all constraints, where there is one.
 */
export function halve(
  stage: number,
  standings: readonly Standing[],
): { readonly on: readonly string[]; readonly dropped: readonly Dropped[] } {
  const ranked = rank(standings);
  const [best] = ranked;
  const half = ranked.slice(0, Math.max(FINALISTS, Math.ceil(ranked.length / 2)));
  const on = half.filter((one, at) => at < FEWEST_FINALISTS || whyWorse(one, best) === "rank");
  const holder = ranked.find(({ holds }) => holds);
  if (holder && !on.includes(holder)) on.push(holder);
  return {
    on: on.map(({ name }) => name),
    dropped: ranked.filter((one) => !on.includes(one))
      .map((one) => ({ name: one.name, stage, why: whyWorse(one, best) })),
  };
}

/** Sorts by goodput, with those last that surely break a constraint, the nearest of them first; equals stay in order. */
export function rank(standings: readonly Standing[]): Standing[] {
  return standings.toSorted((a, b) =>
    Number(a.surelyBroken) - Number(b.surelyBroken) ||
    (a.surelyBroken ? b.nearness - a.nearness : 0) || b.score - a.score
  );
}

function whyWorse(one: Standing, best: Standing | undefined): Dropped["why"] {
  if (!best) return "rank";
  if (one.surelyBroken && !best.surelyBroken) return "constraint";
  return one.high < best.low ? "worse" : "rank";
}

/** The best finalist and how it compares with the others. */
export interface Answer {
  readonly best: Standing;
  /** No finalist keeps what is asked; `best` came nearest. */
  readonly noneHolds: boolean;
  /** The other finalists that hold the constraints, the likeliest rival first. */
  readonly rivals: readonly Rival[];
}

export interface Rival {
  readonly name: string;
  /** That `best` has the greater goodput. */
  readonly probability: number;
  readonly toldApart: boolean;
}

/** The probability below which two candidates count as equal. */
const SURE = 0.95;

/**
 * Of those that keep all constraints the one with the best goodput; where none does, the one that comes nearest.
 * @param better the probability that the first has a greater goodput than the second
 */
export function answerOf(
  standings: readonly Standing[],
  better: (name: string, than: string) => number,
): Answer | null {
  const holders = standings.filter(({ holds }) => holds);
  const order = holders.length > 0
    ? rank(holders)
    : standings.toSorted((a, b) => b.nearness - a.nearness || b.score - a.score);
  const [best, ...others] = order;
  if (!best) return null;
  const rivals = others.map(({ name }) => {
    const probability = better(best.name, name);
    return { name, probability, toldApart: probability >= SURE };
  });
  return {
    best,
    noneHolds: holders.length === 0,
    rivals: rivals.sort((a, b) => a.probability - b.probability),
  };
}
